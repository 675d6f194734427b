import { ContentRefused, copyLfsContent, downloadLfsContent } from '#git/fetch-lfs-content.ts';
import type { StoredServer } from '#git/git-endpoint-store.ts';
import { exists, type GitMirror, type RepositoryAt } from '#git/git-mirror.ts';
import { askLfsBatch, LFS_BATCH_SIZE, type LfsDoor } from '#git/lfs-batch.ts';
import { findLfsDoor } from '#git/lfs-door.ts';
import { type LfsPointer, readLfsPointer } from '#git/lfs-pointers.ts';
import { isBelow } from '#git/local-repositories.ts';
import type { Repositories } from '#git/repository-at.ts';
import type { RunGit } from '#git/run-git.ts';
import type { RunProgram } from '#git/run-program.ts';
import { liesPlainly } from '#git/working-tree.ts';
import { newId } from '#kit/ids.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

const DOWNLOADS_AT_ONCE = 4;

/**
 * The content of Git LFS, in place of the pointers in a checkout. Our own client, not the program git-lfs: that one runs
 * as git's filter, reads the repository's configuration, and speaks with whatever host that names.
 *
 * Contents are kept beside the mirror of their repository, so that who may read the one may read the other.
 */
export interface LfsContent {
  /** @throws SodateError `git-lfs-missing`, and what speaking with a server can end in */
  fill(at: RepositoryAt, checkout: string): Promise<void>;
}

interface Parts {
  readonly folder: string;
  readonly git: RunGit;
  readonly mirror: Pick<GitMirror, 'folderOf'>;
  readonly programs: RunProgram;
  readonly searchPath: string;
  readonly repositories: Pick<Repositories, 'credentialFor'>;
  readonly silenceLimitMs: number;
}

type Pointers = ReadonlyMap<string, LfsPointer>;

export function makeLfsContent(parts: Parts): LfsContent {
  const { folder, git, mirror } = parts;
  const storeOf = (at: RepositoryAt, oid: string): string => path.join(mirror.folderOf(at), 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4), oid);

  async function findPointers(at: RepositoryAt, checkout: string): Promise<Pointers> {
    const listing = await git.must(at.repository, ['-C', checkout, 'ls-files', '-z', '--', ':(attr:filter=lfs)']);
    const found = new Map<string, LfsPointer>();
    for (const file of listing.split('\0')) {
      if (file === '' || !(await liesPlainly(checkout, file))) continue;
      const pointer = await readLfsPointer(path.join(checkout, file));
      if (pointer !== null) found.set(file, pointer);
    }
    return found;
  }

  /** A content appears whole or not at all. */
  async function store(at: RepositoryAt, file: string, { oid }: LfsPointer, bring: (fresh: string) => Promise<void>): Promise<void> {
    const fresh = path.join(folder, 'tmp', newId<string>());
    await mkdir(path.dirname(fresh), { recursive: true });
    try {
      await bring(fresh);
      await mkdir(path.dirname(storeOf(at, oid)), { recursive: true });
      await rename(fresh, storeOf(at, oid));
    } catch (error) {
      await rm(fresh, { force: true });
      if (error instanceof ContentRefused) throw missing(at, file, error.message, error);
      throw error;
    }
  }

  async function bringFromFolder(at: RepositoryAt, wanted: Pointers, gitDirectory: string): Promise<void> {
    for (const [file, pointer] of wanted) {
      const { oid } = pointer;
      const kept = await realpath(path.join(gitDirectory, 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4), oid)).catch(() => null);
      if (kept === null || !isBelow(kept, gitDirectory)) throw missing(at, file, 'it is not beside the repository. Fetch it there with: git lfs fetch --all');
      await store(at, file, pointer, (fresh) => copyLfsContent(kept, pointer, fresh));
    }
  }

  async function bringFromServer(at: RepositoryAt, server: StoredServer, wanted: Pointers, door: LfsDoor): Promise<void> {
    if (door.url === '') throw missing(at, wanted.keys().next().value ?? '', 'the server does not say where it keeps it');
    const all = [...wanted];
    for (let from = 0; from < all.length; from += LFS_BATCH_SIZE) {
      const batch = all.slice(from, from + LFS_BATCH_SIZE);
      const pointers = batch.map(([, pointer]) => pointer);
      const answers = await askLfsBatch(server, door, pointers, parts.silenceLimitMs);
      const queue = batch[Symbol.iterator]();
      const work = async (): Promise<void> => {
        for (const [file, pointer] of queue) {
          const answer = answers.get(pointer.oid);
          if (answer === undefined || 'refused' in answer) throw missing(at, file, answer?.refused ?? 'the server says nothing about it');
          await store(at, file, pointer, (fresh) => downloadLfsContent(server, answer, pointer, fresh, parts.silenceLimitMs));
        }
      };
      // All of them end before this does: nothing may be written behind the back of whoever removes it.
      const ended = await Promise.allSettled(Array.from({ length: DOWNLOADS_AT_ONCE }, work));
      const failed = ended.find((each) => each.status === 'rejected');
      if (failed) throw failed.reason;
    }
  }

  async function bring(at: RepositoryAt, wanted: Pointers): Promise<void> {
    const { source, repository, reader } = at;
    await at.withOrigin(async ({ address, reach }) => {
      if (source.kind === 'local' || reach === null) return bringFromFolder(at, wanted, address);
      const credential = await parts.repositories.credentialFor(source, reader);
      return bringFromServer(at, source, wanted, await findLfsDoor(parts, { server: source, repository, credential, reach }));
    });
  }

  async function putInPlace(at: RepositoryAt, checkout: string, pointers: Pointers): Promise<void> {
    for (const [file, { oid }] of pointers) {
      const place = path.join(checkout, file);
      const fresh = `${place}.${newId<string>()}`;
      await copyFile(storeOf(at, oid), fresh, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      await chmod(fresh, (await stat(place)).mode & 0o777);
      await rename(fresh, place);
    }
    // The job has no such filter: without this every one of them would count as changed.
    await git.must(at.repository, ['-C', checkout, 'update-index', '--assume-unchanged', '-z', '--stdin'], { input: [...pointers.keys(), ''].join('\0') });
  }

  return {
    async fill(at, checkout) {
      const pointers = await findPointers(at, checkout);
      if (pointers.size === 0) return;
      // One file for each content: the first that asks for it stands for it in errors.
      const wanted = new Map<string, readonly [string, LfsPointer]>();
      for (const [file, pointer] of pointers)
        if (!wanted.has(pointer.oid) && !(await exists(storeOf(at, pointer.oid)))) wanted.set(pointer.oid, [file, pointer]);
      if (wanted.size > 0) await bring(at, new Map(wanted.values()));
      await putInPlace(at, checkout, pointers);
    },
  };
}

const missing = (at: RepositoryAt, file: string, reason: string, cause?: unknown): SodateError =>
  new SodateError('git-lfs-missing', { file, repository: at.repository, reason }, cause === undefined ? {} : { cause });
