import { DATA_LIST } from '#data/data-search.ts';
import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { DB } from '#kit/db/tables.ts';
import { findInList, inOrderOf, textCondition } from '#search/search.ts';
import { isPerson } from '#search/search-fields.ts';
import type { Data, listData } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { DataId, type TenantId, type UserId } from '@sodate/contract/ids.ts';
import { type ExpressionBuilder, sql } from 'kysely';
import type { z } from 'zod';

export interface FoundData {
  readonly id: DataId;
  readonly number: number;
  readonly name: string;
  readonly fileCount: number;
}

const isId = (reference: string): boolean => reference.includes('-');

const byReference = (reference: string) => (eb: ExpressionBuilder<DB, 'data'>) =>
  isId(reference) ? eb('data.id', '=', reference) : eb('data.number', '=', Number(reference.replace('#', '')));

export async function findDataRow(db: Database, tenant: TenantId, reference: string): Promise<FoundData> {
  const row = await db
    .selectFrom('data')
    .select(['id', 'number', 'name', 'file_count'])
    .where('tenant_id', '=', tenant)
    .where(byReference(reference))
    .executeTakeFirst();
  if (!row) throw new SodateError('not-found', { thing: 'data', reference });
  return { id: DataId.parse(row.id), number: row.number, name: row.name, fileCount: row.file_count };
}

const dataWithPeople = (db: Database, tenant: TenantId) =>
  db
    .selectFrom('data')
    .innerJoin('users', 'users.id', 'data.created_by')
    .leftJoin('data as parent', 'parent.id', 'data.parent_id')
    .select([
      'data.id',
      'data.number',
      'data.name',
      'data.memo',
      'data.tags',
      'data.file_count',
      'data.total_size',
      'data.created_at',
      'data.created_by',
      'users.name as person_name',
      'users.display_name as person_display_name',
      'parent.id as parent_id',
      'parent.number as parent_number',
      'parent.name as parent_name',
    ])
    .where('data.tenant_id', '=', tenant);

type DataRow = Awaited<ReturnType<ReturnType<typeof dataWithPeople>['executeTakeFirstOrThrow']>>;

const toData = (row: DataRow): Data => ({
  id: DataId.parse(row.id),
  number: row.number,
  name: row.name,
  memo: row.memo,
  tags: row.tags,
  parent: row.parent_id === null ? null : { id: DataId.parse(row.parent_id), number: row.parent_number ?? 0, name: row.parent_name ?? '' },
  fileCount: row.file_count,
  totalSize: row.total_size,
  createdAt: row.created_at.toISOString(),
  createdBy: { id: row.created_by, name: row.person_name, displayName: row.person_display_name },
});

/** @returns null when there is none */
export async function readData(db: Database, tenant: TenantId, data: DataId): Promise<Data | null> {
  const row = await dataWithPeople(db, tenant).where('data.id', '=', data).executeTakeFirst();
  return row ? toData(row) : null;
}

/** @throws SodateError `search-not-understood`, `search-too-slow`, `invalid-cursor` */
export async function listDataPage(
  db: Database,
  tenant: TenantId,
  ask: z.output<(typeof listData)['query']>,
  now: Date,
): Promise<z.input<(typeof listData)['response']>> {
  const found = await findInList(db, DATA_LIST, { tenant, now }, ask, [
    ...(ask.text === undefined ? [] : [textCondition(DATA_LIST, ask.text)]),
    ...(ask.tag === undefined ? [] : [sql<boolean>`data.tags @> ${ask.tag}::text[]`]),
    ...(ask.createdBy === undefined ? [] : [isPerson(sql`data.created_by`, ask.createdBy)]),
  ]);
  const rows = await dataWithPeople(db, tenant)
    .where(sql<boolean>`data.id = any(${found.ids}::uuid[])`)
    .execute();
  return { items: inOrderOf(found.ids, rows.map(toData)), nextCursor: found.nextCursor, total: found.total };
}

export interface NewData {
  readonly id: DataId;
  readonly name: string;
  readonly memo: string;
  readonly tags: readonly string[];
  readonly parent: DataId | null;
  readonly createdBy: UserId;
}

/** @returns its number */
export async function insertData(tx: DatabaseTransaction, tenant: TenantId, data: NewData, now: Date): Promise<number> {
  const row = await tx
    .insertInto('data')
    .values({
      tenant_id: tenant,
      id: data.id,
      name: data.name,
      memo: data.memo,
      tags: [...new Set(data.tags)],
      parent_id: data.parent,
      created_by: data.createdBy,
      created_at: now,
    })
    .returning('number')
    .executeTakeFirstOrThrow();
  return row.number;
}
