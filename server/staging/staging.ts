import { type StagedFolders, type StageFolders, type StageItem, StartRefused } from '#executors/executor.ts';
import type { Git, GitReader } from '#git/git.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { makeJobFolder } from '#staging/make-job-folder.ts';
import { makeRunFolders, type RunFolders } from '#staging/run-folders.ts';
import { makeStagingWorker } from '#staging/run-staging-task.ts';
import { folderExists, settleFolder } from '#staging/settle-folder.ts';
import { makeStageDataset } from '#staging/stage-dataset.ts';
import { type ErrorCode, isSodateError } from '@sodate/contract/errors.ts';
import type { AttemptId, DatasetId, RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { closeSync, fchmodSync, lstatSync, mkdirSync, openSync, readdirSync, rmdirSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { errorAsRunWords, runWords } from '@sodate/contract/run-words.ts';

/**
 * Stage plans on this machine's disk, under `home`:
 *
 *   attempts/<attempt>/…       what one attempt has for itself: its checkout, scratch folders, copied inputs
 *   staged/datasets/<id>/…     data sets as folders of links into the object store, shared by all their runs
 *   runs/<run>/output|attach   what a run writes; logs/<attempt>.log beside them, out of the job's reach
 *   trash/…                    on its way out
 *   arriving/…                 attachments that are being sent
 *
 * Promises: `realise` may be called again after any crash and uses what is whole; two calls at once, in two processes
 * even, come to the same folders. Paths are made of ids, numbers and checked file names only. A shared folder is never
 * written again once it has its name. The event loop stays free: trees are walked in threads.
 */
export interface Staging extends StageFolders {
  readonly folders: RunFolders;
  /** Makes a run's folder for attachments, when no attempt has made it yet. For when its row is held. */
  makeAttachFolder(run: RunId): void;
  /** A path of its own on the same disk, for a file on its way to a run. What a killed process leaves there is removed at the next start. */
  arrival(): string;
  /** Output, attachments and logs of a run. For when its row goes. Idempotent. */
  removeRunFolders(run: RunId): Promise<void>;
  /** The folder of links of a data set that no run uses any more. For when its row goes. Idempotent. */
  removeStagedDataset(dataset: DatasetId): Promise<void>;
  /** Removes what killed processes left half-made or half-removed. Only while no other process uses the same home. */
  removeLeftovers(): Promise<void>;
  /** Ends the threads; what they were doing is cut off and done again when asked again. */
  close(): Promise<void>;
}

interface StagingParts {
  readonly db: Database;
  readonly git: Pick<Git, 'ensureCheckout' | 'holding'>;
  readonly objectStore: Pick<ObjectStore, 'linkBlobs'>;
  readonly home: string;
  /** For the local times in meta.json, such as `Asia/Tokyo`. */
  readonly timeZone: string;
  /** Where the built staging-worker is; without it the source runs through tsx. */
  readonly workerUrl?: URL;
}

type RealiseOptions = Parameters<StageFolders['realise']>[3];

export function makeStageFolders(parts: StagingParts): Staging {
  const { db, git, home } = parts;
  const workerUrl = parts.workerUrl ?? new URL('./staging-worker.ts', import.meta.url);
  const worker = makeStagingWorker(workerUrl);
  // Apart, so that no start waits while a job's two million small files are being removed.
  const remover = makeStagingWorker(workerUrl);
  const folders = makeRunFolders(home);
  const stageDataset = makeStageDataset({ ...parts, worker, remover, folder: path.join(home, 'staged') });
  const attemptFolder = (attempt: AttemptId): string => path.join(home, 'attempts', checkedId(attempt));

  /** Out of sight by one rename, then removed. If the process dies in between, the next call or `removeLeftovers` goes on. */
  async function removeAway(folder: string, name: string): Promise<void> {
    const trash = path.join(home, 'trash', name);
    if (lstatSync(trash, { throwIfNoEntry: false }) !== undefined) await remover.run('removeTree', trash);
    if (removeEmptyFolders(folder)) return;
    await mkdir(path.dirname(trash), { recursive: true });
    const there = await rename(folder, trash).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
    if (there) await remover.run('removeTree', trash);
  }

  /** A private folder that appears whole: filled under another name first. */
  async function privateFolder(attempt: AttemptId, item: StageItem, fill: (fresh: string) => Promise<void>): Promise<string> {
    const place = path.join(attemptFolder(attempt), itemFolder(item));
    if (await folderExists(place)) return place;
    const fresh = path.join(attemptFolder(attempt), `.${itemFolder(item)}-${newId<string>()}`);
    await fill(fresh);
    // Whatever stays here when another was first goes away with the attempt.
    await settleFolder(fresh, place);
    return place;
  }

  async function realiseItem(
    item: StageItem,
    attempt: AttemptId,
    run: RunId,
    tenant: TenantId | null,
    options: RealiseOptions,
    signal: AbortSignal,
  ): Promise<string> {
    switch (item.kind) {
      case 'checkout':
        return privateFolder(attempt, item, async (fresh) => {
          const reader = (): Promise<GitReader> => readSubmitter(db, run);
          await git.holding(async () => {
            const checkout = await git.ensureCheckout(item.endpoint, item.repository, item.commit, reader).catch(refuseWhatGitCannot);
            signal.throwIfAborted();
            await worker.run('copyTree', checkout, fresh, options.jobUser);
          });
        });
      case 'dataset': {
        if (tenant === null) throw new Error('The tenant was not looked up');
        if (!options.copyInputs) return stageDataset.shared(tenant, checkedId(item.dataset), signal);
        return privateFolder(attempt, item, (fresh) => stageDataset.copied(tenant, item.dataset, fresh, signal));
      }
      case 'run-folder': {
        const place = folders[item.folder](checkedId(item.run));
        if (item.run === run) makeJobFolder(place, options.jobUser);
        else if (!(await folderExists(place))) throw new StartRefused('platform', runWords('folder-gone', { folder: item.folder, run: item.run }));
        return place;
      }
      case 'scratch': {
        const place = path.join(attemptFolder(attempt), itemFolder(item));
        makeJobFolder(place, options.jobUser);
        return place;
      }
    }
  }

  function makeLogFile(run: RunId, attempt: AttemptId): string {
    const file = folders.logFile(checkedId(run), checkedId(attempt));
    mkdirSync(path.dirname(file), { recursive: true });
    try {
      const fresh = openSync(file, 'wx', 0o644);
      // Whatever the umask is: people and the job may read it.
      fchmodSync(fresh, 0o644);
      closeSync(fresh);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return file;
  }

  return {
    folders,
    async realise(attempt, run, plan, options, signal): Promise<StagedFolders> {
      signal.throwIfAborted();
      const tenant = await checkTenant(db, run, plan.items);
      mkdirSync(attemptFolder(attempt), { recursive: true });
      const logFile = makeLogFile(run, attempt);
      // All of them end before this does: nobody may discard the attempt while one is still being written.
      const made = await Promise.allSettled(plan.items.map((item) => realiseItem(item, attempt, run, tenant, options, signal)));
      const places = made.map(valueOf);
      return { folders: new Map(plan.items.map((item, at) => [item.name, places[at] as string])), logFile };
    },
    discard: (attempt) => removeAway(attemptFolder(attempt), checkedId(attempt)),
    makeAttachFolder: (run) => makeJobFolder(folders.attach(checkedId(run)), null),
    arrival() {
      const folder = path.join(home, 'arriving');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return path.join(folder, newId<string>());
    },
    removeRunFolders: (run) => removeAway(folders.run(checkedId(run)), `run-${run}`),
    removeStagedDataset: (dataset) => removeAway(path.join(home, 'staged', 'datasets', checkedId(dataset)), `dataset-${dataset}`),
    async removeLeftovers() {
      for (const name of ['trash', 'arriving', path.join('staged', 'tmp')]) await remover.run('removeTree', path.join(home, name));
    },
    async close() {
      await Promise.all([worker.close(), remover.close()]);
    },
  };
}

/** Folders that a job was given and left empty. */
const EMPTY_FOLDERS_LIMIT = 8;

/**
 * Removes a folder with nothing but a few empty folders in it, which is what most attempts leave: then no thread has to be
 * asked. @returns false when there is more in it; some of its empty folders may be gone by then
 */
function removeEmptyFolders(folder: string): boolean {
  try {
    const names = readdirSync(folder);
    if (names.length > EMPTY_FOLDERS_LIMIT) return false;
    for (const name of names) rmdirSync(path.join(folder, name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone already, which is for the caller to find, a file, something in it, or not ours to remove.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EACCES' || code === 'EPERM') return false;
    throw error;
  }
}

function valueOf(settled: PromiseSettledResult<string>): string {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/**
 * The tenant whose data sets and runs this plan may show. Submission has checked all of it; here it is read again with
 * its tenant, because whatever gets past shows one tenant's files to another.
 * @returns null when the plan has nothing that belongs to a tenant beyond the run itself, which saves the common case a query
 */
async function checkTenant(db: Database, run: RunId, items: readonly StageItem[]): Promise<TenantId | null> {
  const others = items.flatMap((item) => (item.kind === 'run-folder' && item.run !== run ? [item.run] : []));
  if (others.length === 0 && !items.some(({ kind }) => kind === 'dataset')) return null;
  const rows = await db
    .selectFrom('runs')
    .select(['id', 'tenant_id'])
    .where('id', 'in', [run, ...others])
    .execute();
  const tenant = rows.find(({ id }) => id === run)?.tenant_id;
  if (tenant === undefined) throw new Error(`Run ${run} is to be staged but has no row`);
  for (const other of others) {
    if (!rows.some((row) => row.id === other && row.tenant_id === tenant)) throw new StartRefused('platform', runWords('parent-gone', { run: other }));
  }
  return tenant as TenantId;
}

/** For whom a run's code is read: with whose credentials, where some of it must be brought from a git server. */
async function readSubmitter(db: Database, run: RunId): Promise<GitReader> {
  const row = await db.selectFrom('runs').select(['tenant_id', 'created_by']).where('id', '=', run).executeTakeFirst();
  if (row === undefined) throw new Error(`Run ${run} is to be staged but has no row`);
  return { tenant: row.tenant_id as TenantId, user: row.created_by as UserId };
}

/** What only people can mend: credentials, keys, and what their repositories refer to. */
const PEOPLE_MEND: ReadonlySet<ErrorCode> = new Set([
  'git-sign-in-needed',
  'git-sign-in-refused',
  'git-host-key-changed',
  'git-submodule-refused',
  'git-lfs-missing',
  'secret-unreadable',
]);
/** What may pass (a server that is away), and what has gone with its endpoint or repository: the text says what is meant. */
const TRIED_AGAIN: ReadonlySet<ErrorCode> = new Set([
  'git-server-unreachable',
  'git-server-silent',
  'git-repository-not-found',
  'git-revision-not-found',
  'git-failed',
  'not-found',
]);

function refuseWhatGitCannot(error: unknown): never {
  if (isSodateError(error) && PEOPLE_MEND.has(error.code)) throw new StartRefused('user-error', errorAsRunWords(error), { cause: error });
  if (isSodateError(error) && TRIED_AGAIN.has(error.code)) throw new StartRefused('platform', errorAsRunWords(error), { cause: error });
  throw error;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Ids come parsed. Looked at again because they become paths that are also removed. */
function checkedId<Id extends string>(id: Id): Id {
  if (!ID.test(id)) throw new Error(`Not an id: ${JSON.stringify(id)}`);
  return id;
}

/** Names of items are the program's own; those that become folders are plain words. */
function itemFolder({ name }: StageItem): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`Not a name for a folder: ${JSON.stringify(name)}`);
  return name;
}
