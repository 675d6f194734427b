import { together } from '#backup/copy-objects.ts';
import type { BackupWriter } from '#backup/backup-writer.ts';
import { isMostlyHole } from '#kit/foreign-folders/is-mostly-hole.ts';
import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';

const ROWS_TOGETHER = 500;
const READ_BYTES = 1024 * 1024;
/** What lies there and nowhere else; working copies of an attempt are made anew. */
const KEPT_FOLDERS: readonly string[] = ['output', 'attach', 'logs'];
/** A job goes on meanwhile: it has removed what was there a moment ago, or put something else in its place. */
const GONE: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'];
const LIVE: readonly string[] = ['queued', 'starting', 'running', 'stopping', 'finishing'];

interface RunRow {
  readonly id: string;
  readonly state: string;
  readonly sealed: boolean;
}

interface CopiedRuns {
  readonly live: readonly string[];
  readonly troubles: readonly string[];
}

/**
 * Copies the files of every run that the snapshot of `client` names. Of a run that had ended they are final, and compared
 * with its manifest; of one that goes on they are as they are found, each up to the length that it has at that moment.
 */
export async function backUpRuns(client: pg.ClientBase, writer: BackupWriter, home: string): Promise<CopiedRuns> {
  const live: string[] = [];
  const troubles: string[] = [];
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const { rows } = await client.query<RunRow>('select id, state, manifest_at is not null as sealed from runs where id > $1 order by id limit $2', [
      after,
      ROWS_TOGETHER,
    ]);
    for (const run of rows) {
      if (LIVE.includes(run.state)) live.push(run.id);
      const copied = new Map<string, string>();
      for (const folder of KEPT_FOLDERS) await copyTree(writer, home, `runs/${run.id}/${folder}`, copied, troubles);
      if (run.sealed) troubles.push(...(await compareWithManifest(client, run.id, copied)));
    }
    if (rows.length < ROWS_TOGETHER) return { live, troubles };
    after = rows.at(-1)?.id ?? after;
  }
}

async function compareWithManifest(client: pg.ClientBase, run: string, copied: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const { rows } = await client.query<{ path: string; digest: string }>('select path, digest from run_output_files where run_id = $1', [run]);
  return rows.flatMap((file) => {
    const name = `runs/${run}/output/${file.path}`;
    const digest = copied.get(name);
    if (digest === file.digest) return [];
    return [digest === undefined ? `${name} is missing` : `${name} has the digest ${digest}, not ${file.digest} as when its run ended`];
  });
}

async function copyTree(writer: BackupWriter, home: string, name: string, copied: Map<string, string>, troubles: string[]): Promise<void> {
  const folder = path.join(home, name);
  const found = await unlessGone(name, troubles, () => lstat(folder));
  if (found?.isDirectory() !== true) return;
  const entries = await unlessGone(name, troubles, () => readdir(folder, { withFileTypes: true }));
  if (entries === null) return;
  writer.addFolder(name, found.mode & 0o777);
  const inside: string[] = [];
  await together(entries, async (entry) => {
    const below = `${name}/${entry.name}`;
    if (entry.name.includes('\uFFFD')) troubles.push(`${below}: its name is not UTF-8, so it is left out`);
    else if (entry.isDirectory()) inside.push(below);
    else if (entry.isSymbolicLink()) await copyLink(writer, home, below, troubles);
    else if (entry.isFile()) await copyFile(writer, home, below, copied, troubles);
    else troubles.push(`${below} is neither file, folder nor link, so it is left out`);
  });
  for (const below of inside.toSorted()) await copyTree(writer, home, below, copied, troubles);
}

/** @returns null when it is gone, or cannot be read, which is named as trouble */
async function unlessGone<Found>(name: string, troubles: string[], look: () => Promise<Found>): Promise<Found | null> {
  try {
    return await look();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (!GONE.includes(code)) troubles.push(`${name} cannot be read (${code}), so it is left out`);
    return null;
  }
}

async function copyLink(writer: BackupWriter, home: string, name: string, troubles: string[]): Promise<void> {
  const target = await unlessGone(name, troubles, () => readlink(path.join(home, name)));
  if (target !== null) writer.addLink(name, target);
}

async function copyFile(writer: BackupWriter, home: string, name: string, copied: Map<string, string>, troubles: string[]): Promise<void> {
  // A job may put a pipe or a link there at any moment: neither is waited for or followed. What it removes is gone.
  const handle = await unlessGone(name, troubles, () => open(path.join(home, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  if (handle === null) return;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return;
    if (await isMostlyHole(handle)) {
      troubles.push(`${name} is a hole of ${stat.size} bytes with nearly nothing in it, so it is left out`);
      return;
    }
    // No more than it has now: it may be growing faster than it is copied.
    const bytes = stat.size === 0 ? none() : handle.createReadStream({ start: 0, end: stat.size - 1, autoClose: false, highWaterMark: READ_BYTES });
    const { digest } = await writer.add(name, bytes as AsyncIterable<Uint8Array>, stat.mode & 0o777);
    copied.set(name, digest);
  } catch (error) {
    // It fits below the home, whose path is shorter.
    if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw error;
    troubles.push(`${name} has too long a path for the folder of the backup, so it is left out`);
  } finally {
    await handle.close();
  }
}

async function* none(): AsyncGenerator<Uint8Array> {}
