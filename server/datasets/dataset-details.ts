import { readDataset } from '#datasets/dataset-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { DatasetDetails, DatasetEntry } from '@sodate/contract/datasets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { DataId, type DatasetId, type TenantId } from '@sodate/contract/ids.ts';
import type { z } from 'zod';

/** Two queries, however many entries. The newest data comes first in each list, as in the list of data. */
export async function readDetails(db: Database, tenant: TenantId, dataset: DatasetId): Promise<DatasetDetails> {
  const details = await findDetails(db, tenant, dataset);
  if (!details) throw new SodateError('not-found', { thing: 'data set', reference: dataset });
  return details;
}

/** @returns null when there is no such data set */
export async function findDetails(db: Database, tenant: TenantId, dataset: DatasetId): Promise<DatasetDetails | null> {
  const head = await readDataset(db, tenant, dataset);
  if (!head) return null;
  const rows = await db
    .selectFrom('dataset_entries')
    .innerJoin('data', 'data.id', 'dataset_entries.data_id')
    .select(['dataset_entries.type', 'data.id', 'data.number', 'data.name', 'data.tags'])
    .where('dataset_entries.tenant_id', '=', tenant)
    .where('dataset_entries.dataset_id', '=', dataset)
    .orderBy('data.number', 'desc')
    .execute();
  const lists = { training: [], testing: [], validation: [], flat: [] } satisfies Record<string, z.infer<typeof DatasetEntry>[]>;
  for (const { type, ...entry } of rows) (lists[type as keyof typeof lists] as z.infer<typeof DatasetEntry>[]).push({ ...entry, id: DataId.parse(entry.id) });
  const { flat: flatEntries, ...entries } = lists;
  return { ...head, entries, flatEntries };
}
