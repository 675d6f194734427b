import { mayRemove } from '#kit/db/hold-removals.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Staging } from '#staging/staging.ts';
import type { DatasetId, RunId } from '@sodate/contract/ids.ts';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const IDS_PER_QUERY = 1_000;

/**
 * Removes folders of runs and staged data sets whose rows are gone: a crash between the commit that deleted the row and
 * the removal leaves them. A folder is only ever made for a row that has been committed, so one without a row is over.
 */
export async function sweepStaged(parts: {
  readonly db: Database;
  readonly home: string;
  readonly staging: Pick<Staging, 'removeRunFolders' | 'removeStagedDataset'>;
}): Promise<void> {
  const { db, home, staging } = parts;
  await removeUnknown(
    path.join(home, 'runs'),
    (ids) => db.selectFrom('runs').select('id').where('id', 'in', ids).execute(),
    // Asked after the row was found to be gone: a backup that knows the run holds this one off.
    async (id) => ((await mayRemove(db)) ? staging.removeRunFolders(id as RunId) : undefined),
  );
  await removeUnknown(
    path.join(home, 'staged', 'datasets'),
    (ids) => db.selectFrom('datasets').select('id').where('id', 'in', ids).execute(),
    (id) => staging.removeStagedDataset(id as DatasetId),
  );
}

async function removeUnknown(
  folder: string,
  find: (ids: readonly string[]) => Promise<readonly { readonly id: string }[]>,
  remove: (id: string) => Promise<void>,
): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => UUID.test(name));
  for (let at = 0; at < names.length; at += IDS_PER_QUERY) {
    const ids = names.slice(at, at + IDS_PER_QUERY);
    const known = new Set((await find(ids)).map(({ id }) => id));
    for (const id of ids) if (!known.has(id)) await remove(id);
  }
}
