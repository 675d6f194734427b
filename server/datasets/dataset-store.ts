import { DATASET_LIST } from '#datasets/dataset-search.ts';
import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { Dataset, listDatasets } from '@sodate/contract/datasets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { DatasetId, type TenantId, type UserId } from '@sodate/contract/ids.ts';
import { type ExpressionBuilder, sql } from 'kysely';
import type { DB } from '#kit/db/tables.ts';
import { findInList, inOrderOf, textCondition } from '#search/search.ts';
import type { z } from 'zod';

/** What other features need to know of a data set. */
export interface FoundDataset {
  readonly id: DatasetId;
  readonly number: number;
  readonly name: string;
  readonly flat: boolean;
  readonly lockedAt: Date | null;
}

const UUID = /^[0-9a-f]{8}-/i;

const byReference = (reference: string) => (eb: ExpressionBuilder<DB, 'datasets'>) =>
  UUID.test(reference) ? eb('datasets.id', '=', reference) : eb('datasets.number', '=', Number(reference.replace('#', '')));

const notFound = (reference: string): SodateError => new SodateError('not-found', { thing: 'data set', reference });

export async function findDatasetRow(db: Database, tenant: TenantId, reference: string): Promise<FoundDataset> {
  const row = await db
    .selectFrom('datasets')
    .select(['id', 'number', 'name', 'flat', 'locked_at'])
    .where('tenant_id', '=', tenant)
    .where(byReference(reference))
    .executeTakeFirst();
  if (!row) throw notFound(reference);
  return { id: DatasetId.parse(row.id), number: row.number, name: row.name, flat: row.flat, lockedAt: row.locked_at };
}

/** Keeps a data set as it is until `tx` ends. */
export async function holdDataset(tx: DatabaseTransaction, tenant: TenantId, dataset: DatasetId): Promise<FoundDataset> {
  const row = await tx
    .selectFrom('datasets')
    .select(['id', 'number', 'name', 'flat', 'locked_at'])
    .where('tenant_id', '=', tenant)
    .where('id', '=', dataset)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound(dataset);
  return { id: dataset, number: row.number, name: row.name, flat: row.flat, lockedAt: row.locked_at };
}

const datasetsWithPeople = (db: Database, tenant: TenantId) =>
  db
    .selectFrom('datasets')
    .innerJoin('users', 'users.id', 'datasets.created_by')
    .select([
      'datasets.id',
      'datasets.number',
      'datasets.name',
      'datasets.memo',
      'datasets.flat',
      'datasets.locked_at',
      'datasets.entry_count',
      'datasets.created_at',
      'datasets.created_by',
      'users.name as person_name',
      'users.display_name as person_display_name',
    ])
    .where('datasets.tenant_id', '=', tenant);

type DatasetRow = Awaited<ReturnType<ReturnType<typeof datasetsWithPeople>['executeTakeFirstOrThrow']>>;

const toDataset = (row: DatasetRow): Dataset => ({
  id: DatasetId.parse(row.id),
  number: row.number,
  name: row.name,
  memo: row.memo,
  flat: row.flat,
  locked: row.locked_at !== null,
  entryCount: row.entry_count,
  createdAt: row.created_at.toISOString(),
  createdBy: { id: row.created_by, name: row.person_name, displayName: row.person_display_name },
});

export async function readDataset(db: Database, tenant: TenantId, dataset: DatasetId): Promise<Dataset | null> {
  const row = await datasetsWithPeople(db, tenant).where('datasets.id', '=', dataset).executeTakeFirst();
  return row ? toDataset(row) : null;
}

/** @throws SodateError `search-not-understood`, `search-too-slow`, `invalid-cursor` */
export async function listDatasetPage(
  db: Database,
  tenant: TenantId,
  ask: z.output<(typeof listDatasets)['query']>,
  now: Date,
): Promise<z.input<(typeof listDatasets)['response']>> {
  const also = ask.text === undefined ? [] : [textCondition(DATASET_LIST, ask.text)];
  const found = await findInList(db, DATASET_LIST, { tenant, now }, ask, also);
  const rows = await datasetsWithPeople(db, tenant)
    .where(sql<boolean>`datasets.id = any(${found.ids}::uuid[])`)
    .execute();
  return { items: inOrderOf(found.ids, rows.map(toDataset)), nextCursor: found.nextCursor, total: found.total };
}

export interface NewDataset {
  readonly id: DatasetId;
  readonly name: string;
  readonly memo: string;
  readonly flat: boolean;
  readonly createdBy: UserId;
}

/** @returns its number */
export async function insertDataset(tx: DatabaseTransaction, tenant: TenantId, dataset: NewDataset, now: Date): Promise<number> {
  const row = await tx
    .insertInto('datasets')
    .values({ tenant_id: tenant, id: dataset.id, name: dataset.name, memo: dataset.memo, flat: dataset.flat, created_by: dataset.createdBy, created_at: now })
    .returning('number')
    .executeTakeFirstOrThrow();
  return row.number;
}
