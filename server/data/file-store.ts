import { foldersOf } from '#data/check-file-names.ts';
import { boundedTotal } from '#kit/db/page.ts';
import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { BlobId } from '#kit/object-store/object-store.ts';
import { type DataFile, FILES_PER_DATA_LIMIT, type listDataFiles } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { type DataId, FileId, type TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { z } from 'zod';

const filesOfData = (db: Database, tenant: TenantId, data: DataId) =>
  db
    .selectFrom('data_files')
    .innerJoin('blobs', 'blobs.id', 'data_files.blob_id')
    .select(['data_files.id', 'data_files.name', 'blobs.id as blob_id', 'blobs.size', 'blobs.digest'])
    .where('data_files.tenant_id', '=', tenant)
    .where('data_files.data_id', '=', data);

type FileRow = Awaited<ReturnType<ReturnType<typeof filesOfData>['executeTakeFirstOrThrow']>>;

const toFile = (row: FileRow): DataFile => ({ id: FileId.parse(row.id), name: row.name, size: row.size, digest: row.digest });

/** The page goes on after this name. Names may be long, so the cursor is the file's id and its name is looked up. */
const Cursor = z.uuid();

export async function listFilePage(
  db: Database,
  tenant: TenantId,
  data: DataId,
  ask: z.output<(typeof listDataFiles)['query']>,
): Promise<z.input<(typeof listDataFiles)['response']>> {
  const matching = filesOfData(db, tenant, data);
  let page = matching;
  if (ask.cursor !== undefined) {
    const cursor = Cursor.safeParse(ask.cursor);
    const last = cursor.success ? await filesOfData(db, tenant, data).where('data_files.id', '=', cursor.data).executeTakeFirst() : undefined;
    // Also when that file was removed meanwhile: the list changed under the reader, who begins again.
    if (!last) throw new SodateError('invalid-cursor');
    page = page.where('data_files.name', '>', last.name);
  }
  const [rows, total] = await Promise.all([
    page
      .orderBy('data_files.name')
      .limit(ask.limit + 1)
      .execute(),
    boundedTotal(matching),
  ]);
  const items = rows.slice(0, ask.limit);
  return { items: items.map(toFile), nextCursor: rows.length > ask.limit ? (items.at(-1)?.id ?? null) : null, total };
}

export interface FoundFile extends DataFile {
  readonly blob: BlobId;
}

export async function findFile(db: Database, tenant: TenantId, data: DataId, file: FileId): Promise<FoundFile> {
  const row = await filesOfData(db, tenant, data).where('data_files.id', '=', file).executeTakeFirst();
  if (!row) throw new SodateError('not-found', { thing: 'file', reference: file });
  return { ...toFile(row), blob: BlobId.parse(row.blob_id) };
}

/** At most FILES_PER_DATA_LIMIT of them, by name. */
export async function allFilesOf(db: Database, tenant: TenantId, data: DataId): Promise<FoundFile[]> {
  const rows = await filesOfData(db, tenant, data).orderBy('data_files.name').execute();
  return rows.map((row) => ({ ...toFile(row), blob: BlobId.parse(row.blob_id) }));
}

/** Those of the given ids that are files of this data. */
export async function filesById(db: Database, tenant: TenantId, data: DataId, ids: readonly string[]): Promise<FoundFile[]> {
  const rows = await filesOfData(db, tenant, data)
    .where(sql<boolean>`data_files.id = any(${[...ids]}::uuid[])`)
    .orderBy('data_files.name')
    .execute();
  return rows.map((row) => ({ ...toFile(row), blob: BlobId.parse(row.blob_id) }));
}

/** Those of the given names that are there, by name. */
export async function filesByName(db: Database, tenant: TenantId, data: DataId, names: readonly string[]): Promise<ReadonlyMap<string, FoundFile>> {
  const rows = await filesOfData(db, tenant, data)
    .where(sql<boolean>`data_files.name = any(${[...names]}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.name, { ...toFile(row), blob: BlobId.parse(row.blob_id) }]));
}

/** Names that begin with `prefix`, in the order of their bytes from `from` on. Costs as much as it answers. */
export async function namesFrom(
  db: Database,
  tenant: TenantId,
  data: DataId,
  ask: { readonly prefix: string; readonly from: string; readonly limit: number },
): Promise<readonly { readonly name: string; readonly size: number }[]> {
  const { prefix } = ask;
  const { rows } = await sql<{ name: string; size: number }>`
    select f.name, b.size from data_files f join blobs b on b.id = f.blob_id
    where f.tenant_id = ${tenant} and f.data_id = ${data} and f.name collate "C" >= ${ask.from}
      ${prefix === '' ? sql`` : sql`and f.name collate "C" < ${`${prefix.slice(0, -1)}0`}`}
    order by f.name collate "C" limit ${ask.limit}`.execute(db);
  return rows;
}

/**
 * Of the names in a data those that may be in the way of new ones: equal ones, files where a new one needs a folder, and
 * one below each new one. Costs as much as there are new ones, however many are there.
 */
export async function namesInTheWay(db: Database, tenant: TenantId, data: DataId, added: readonly string[]): Promise<readonly string[]> {
  const asked = [...new Set(added.flatMap((name) => [name, ...foldersOf(name)]))];
  const { rows } = await sql<{ name: string }>`
    select name from data_files where tenant_id = ${tenant} and data_id = ${data} and name = any(${asked}::text[])
    union all
    select below.name from unnest(${[...added]}::text[]) as added (name) cross join lateral (
      select name from data_files where tenant_id = ${tenant} and data_id = ${data}
        and name collate "C" >= added.name || '/' and name collate "C" < added.name || '0'
      limit 1
    ) as below`.execute(db);
  return rows.map((row) => row.name);
}

/** The caller holds the data's row, so that the number stays true. @throws SodateError `too-many` */
export async function checkRoomFor(tx: DatabaseTransaction, tenant: TenantId, data: DataId, added: number): Promise<void> {
  const row = await tx.selectFrom('data').select('file_count').where('tenant_id', '=', tenant).where('id', '=', data).executeTakeFirst();
  if ((row?.file_count ?? 0) + added > FILES_PER_DATA_LIMIT) throw new SodateError('too-many', { limit: FILES_PER_DATA_LIMIT, things: 'files in one data' });
}

/** Counters are made from the rows, so they cannot drift from them. The caller holds the data's row. */
export async function countFiles(tx: DatabaseTransaction, tenant: TenantId, data: DataId): Promise<void> {
  await sql`update data set (file_count, total_size) =
      (select count(*), coalesce(sum(blobs.size), 0) from data_files join blobs on blobs.id = data_files.blob_id where data_files.data_id = data.id)
    where tenant_id = ${tenant} and id = ${data}`.execute(tx);
}
