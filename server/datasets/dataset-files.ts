import type { EntryType } from '#datasets/dataset-entries.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { BlobId } from '#kit/object-store/object-store.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface DatasetFile {
  readonly type: EntryType;
  readonly dataNumber: number;
  /** May contain `/`: a path below its data, checked when it was stored. */
  readonly name: string;
  readonly blob: { readonly id: BlobId; readonly size: number; readonly digest: string };
}

/** A batch of files ends with the first data that brings it to this many, so it holds at most this and one data's files. */
const FILES_PER_BATCH = 5_000;

interface Entry {
  readonly type: string;
  readonly data_id: string;
  readonly number: number;
  readonly file_count: number;
}

/**
 * By type, then data, then name. The entries come at once: there are at most 100,000 and each is small. Their files come
 * by a few entries at a time: a data may have very many, and paging over all of them would sort everything for each page.
 */
export async function* streamDatasetFiles(db: Database, tenant: TenantId, dataset: DatasetId): AsyncIterable<DatasetFile> {
  const entries = await db
    .selectFrom('dataset_entries')
    .innerJoin('data', 'data.id', 'dataset_entries.data_id')
    .select(['dataset_entries.type', 'dataset_entries.data_id', 'data.number', 'data.file_count'])
    .where('dataset_entries.tenant_id', '=', tenant)
    .where('dataset_entries.dataset_id', '=', dataset)
    .orderBy('dataset_entries.type')
    .orderBy('data.number')
    .execute();
  for (const group of byFileCount(entries)) yield* filesOf(db, tenant, group);
}

function* byFileCount(entries: readonly Entry[]): Iterable<readonly Entry[]> {
  let group: Entry[] = [];
  let files = 0;
  for (const entry of entries) {
    group.push(entry);
    files += entry.file_count;
    if (files < FILES_PER_BATCH) continue;
    yield group;
    group = [];
    files = 0;
  }
  if (files > 0) yield group;
}

async function* filesOf(db: Database, tenant: TenantId, entries: readonly Entry[]): AsyncIterable<DatasetFile> {
  const rows = await db
    .selectFrom('data_files')
    .innerJoin('blobs', 'blobs.id', 'data_files.blob_id')
    .select(['data_files.data_id', 'data_files.name', 'blobs.id as blob_id', 'blobs.size', 'blobs.digest'])
    .where('data_files.tenant_id', '=', tenant)
    .where(sql<boolean>`data_files.data_id = any(${[...new Set(entries.map((entry) => entry.data_id))]}::uuid[])`)
    .orderBy('data_files.data_id')
    .orderBy('data_files.name')
    .execute();
  const files = new Map<string, typeof rows>();
  for (const row of rows) {
    const list = files.get(row.data_id);
    if (list) list.push(row);
    else files.set(row.data_id, [row]);
  }
  for (const entry of entries) {
    for (const row of files.get(entry.data_id) ?? []) {
      yield {
        type: entry.type as EntryType,
        dataNumber: entry.number,
        name: row.name,
        blob: { id: row.blob_id as BlobId, size: row.size, digest: row.digest },
      };
    }
  }
}
