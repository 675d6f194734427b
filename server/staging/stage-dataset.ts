import { StartRefused } from '#executors/executor.ts';
import { datasetFiles, readDatasetDetails } from '#datasets/datasets.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { BlobLink, ObjectStore } from '#kit/object-store/object-store.ts';
import { datasetMeta } from '#staging/dataset-meta.ts';
import type { EntryFolder } from '#staging/make-entry-folders.ts';
import type { StagingWorker } from '#staging/run-staging-task.ts';
import { folderExists, settleFolder } from '#staging/settle-folder.ts';
import { DATA_TYPES, type DatasetDetails } from '@sodate/contract/datasets.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';
import { mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { runWords } from '@sodate/contract/run-words.ts';

interface StageDatasetParts {
  readonly db: Database;
  readonly objectStore: Pick<ObjectStore, 'linkBlobs'>;
  readonly worker: StagingWorker;
  readonly remover: StagingWorker;
  /** `<home>/staged` */
  readonly folder: string;
  readonly timeZone: string;
}

interface StageDataset {
  /** The folder that every run shares: made by the first, found by the others. Its bytes are the store's own. */
  shared(tenant: TenantId, dataset: DatasetId, signal: AbortSignal): Promise<string>;
  /** A folder with bytes of its own at `place`, which must not exist. */
  copied(tenant: TenantId, dataset: DatasetId, place: string, signal: AbortSignal): Promise<void>;
}

/**
 * Data sets as folders: `input/` with meta.json and the files by type and data, `raw/` with a link for each data.
 *
 * A folder belongs to one lock of the data set: when its last run is gone a data set is unlocked, may change, and is
 * another version from its next lock on. It is made under another name and renamed when it is whole, so what lies in its
 * place is complete; a process that dies half-way leaves a folder in `tmp` and nothing else.
 */
export function makeStageDataset(parts: StageDatasetParts): StageDataset {
  const { db, remover, folder } = parts;
  const inFlight = new Map<string, Promise<void>>();

  async function makeShared(tenant: TenantId, dataset: DatasetId, place: string): Promise<void> {
    const fresh = path.join(folder, 'tmp', newId<string>());
    try {
      // Not cut off by one run's end: others may be waiting for the same folder, or come next.
      await fill(parts, fresh, tenant, dataset, 'link', new AbortController().signal);
      await mkdir(path.dirname(place), { recursive: true });
      if (!(await settleFolder(fresh, place))) await remover.run('removeTree', fresh);
    } catch (error) {
      await remover.run('removeTree', fresh);
      throw error;
    }
    // No run is left that used an earlier lock's folder: that is what had unlocked the data set.
    const versions = await readdir(path.dirname(place));
    for (const version of versions) if (version !== path.basename(place)) await remover.run('removeTree', path.join(path.dirname(place), version));
  }

  return {
    async shared(tenant, dataset, signal) {
      const place = path.join(folder, 'datasets', dataset, await lockOf(db, tenant, dataset));
      if (await folderExists(place)) return place;
      const making = inFlight.get(place) ?? makeShared(tenant, dataset, place).finally(() => inFlight.delete(place));
      inFlight.set(place, making);
      await orAborted(making, signal);
      return place;
    },
    async copied(tenant, dataset, place, signal) {
      await lockOf(db, tenant, dataset);
      await fill(parts, place, tenant, dataset, 'copy', signal);
    },
  };
}

/** Names one locked state of a data set. */
async function lockOf(db: Database, tenant: TenantId, dataset: DatasetId): Promise<string> {
  const row = await db.selectFrom('datasets').select('locked_at').where('tenant_id', '=', tenant).where('id', '=', dataset).executeTakeFirst();
  if (!row) throw new StartRefused('platform', runWords('dataset-gone'));
  if (row.locked_at === null) throw new Error(`Data set ${dataset} is to be staged but is not locked: whoever stored the run forgot lockDataset`);
  return String(row.locked_at.getTime());
}

async function fill(parts: StageDatasetParts, fresh: string, tenant: TenantId, dataset: DatasetId, how: 'link' | 'copy', signal: AbortSignal): Promise<void> {
  const details = await readDatasetDetails(parts.db, tenant, dataset);
  await mkdir(path.join(fresh, 'input'), { recursive: true });
  await mkdir(path.join(fresh, 'raw'));
  await parts.worker.run('makeEntryFolders', fresh, entryFolders(details));
  await parts.objectStore.linkBlobs(tenant, links(parts.db, tenant, dataset, details.flat, path.join(fresh, 'input')), how, signal).catch(refuseClash);
  const meta = await open(path.join(fresh, 'input', 'meta.json'), 'wx', 0o644);
  try {
    await meta.writeFile(JSON.stringify(datasetMeta(details, parts.timeZone)));
    await meta.sync();
  } finally {
    await meta.close();
  }
}

/** Files named `a` and `a/b` in one data cannot both be on a disk. */
function refuseClash(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOTDIR' && code !== 'EISDIR' && code !== 'EEXIST') throw error;
  throw new StartRefused('user-error', runWords('dataset-names-clash'), { cause: error });
}

/** A data that stands under several types has its link in `raw` from the first. */
function entryFolders(details: Pick<DatasetDetails, 'flat' | 'entries' | 'flatEntries'>): EntryFolder[] {
  if (details.flat) return details.flatEntries.map(({ number }) => ({ folder: String(number), rawName: String(number) }));
  const linked = new Set<number>();
  return DATA_TYPES.flatMap((type) =>
    details.entries[type].map(({ number }) => {
      const first = !linked.has(number);
      linked.add(number);
      return { folder: `${type}/${number}`, rawName: first ? String(number) : null };
    }),
  );
}

async function* links(db: Database, tenant: TenantId, dataset: DatasetId, flat: boolean, input: string): AsyncIterable<BlobLink> {
  for await (const { type, dataNumber, name, blob } of datasetFiles(db, tenant, dataset)) {
    if (!BELOW.test(name)) throw new Error(`A stored file name is not a path below its data: ${JSON.stringify(name)}`);
    // Put together by hand: for 100,000 files, joining and normalising paths took longer than reading their rows.
    yield { blob: blob.id, digest: blob.digest, target: `${input}/${flat ? '' : `${type}/`}${dataNumber}/${name}` };
  }
}

/**
 * A path that leads down and nowhere else: names between slashes, none of them empty, `.` or `..`. Names were checked when
 * they were stored. Checked again because a mistake there would write anywhere on the disk.
 */
const BELOW = /^(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*$/;

/** Ends the wait, not the work. */
function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
