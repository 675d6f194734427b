import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { DATA_TYPES, ENTRIES_PER_DATASET_LIMIT } from '@sodate/contract/datasets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** `flat` is the type of every entry of a flat data set. */
export const ENTRY_TYPES = [...DATA_TYPES, 'flat'] as const;
export type EntryType = (typeof ENTRY_TYPES)[number];

/** Data by reference (ids or numbers), as asked for. */
export interface AskedEntries {
  readonly flat: boolean;
  readonly references: ReadonlyMap<EntryType, readonly string[]>;
}

/** The same with every reference resolved to a data's id. */
export type ResolvedEntries = ReadonlyMap<EntryType, readonly string[]>;

interface EntriesInput {
  readonly entries?: { readonly training: readonly string[]; readonly testing: readonly string[]; readonly validation: readonly string[] } | undefined;
  readonly flatEntries?: readonly string[] | undefined;
}

/** @returns null when the request says nothing about entries */
export function askedEntries({ entries, flatEntries }: EntriesInput): AskedEntries | null {
  if (entries && flatEntries) throw new SodateError('invalid-request', { details: 'give either entries (by type) or flatEntries, not both' });
  if (!entries && !flatEntries) return null;
  const references: ReadonlyMap<EntryType, readonly string[]> = flatEntries
    ? new Map([['flat', flatEntries]])
    : new Map(DATA_TYPES.map((type) => [type, entries?.[type] ?? []]));
  const count = [...references.values()].reduce((sum, list) => sum + list.length, 0);
  if (count > ENTRIES_PER_DATASET_LIMIT) throw new SodateError('too-many', { limit: ENTRIES_PER_DATASET_LIMIT, things: 'entries in a data set' });
  return { flat: flatEntries !== undefined, references };
}

/**
 * @throws SodateError `not-found` naming the first reference that is nothing in this tenant; `invalid-request` naming a
 * data that is twice in one list, also when it is named by id and by number
 */
export async function resolveEntries(db: Database, tenant: TenantId, asked: AskedEntries): Promise<ResolvedEntries> {
  const all = [...asked.references.values()].flat();
  const ids = all.filter((reference) => isId(reference));
  const numbers = all.filter((reference) => !isId(reference)).map((reference) => numberOf(reference));
  const [byId, byNumber] = await Promise.all([
    ids.length === 0
      ? []
      : db
          .selectFrom('data')
          .select('id')
          .where('tenant_id', '=', tenant)
          .where(sql<boolean>`id = any(${ids}::uuid[])`)
          .execute(),
    numbers.length === 0
      ? []
      : db
          .selectFrom('data')
          .select(['id', 'number'])
          .where('tenant_id', '=', tenant)
          .where(sql<boolean>`number = any(${numbers}::bigint[])`)
          .execute(),
  ]);
  const known = new Map<string, string>([...byId.map(({ id }) => [id, id] as const), ...byNumber.map(({ id, number }) => [String(number), id] as const)]);
  return new Map(
    [...asked.references].map(([type, references]) => {
      const seen = new Set<string>();
      for (const reference of references) {
        const id = known.get(isId(reference) ? reference.toLowerCase() : String(numberOf(reference)));
        if (id === undefined) throw new SodateError('not-found', { thing: 'data', reference });
        if (seen.has(id))
          throw new SodateError('invalid-request', { details: `${type === 'flat' ? 'flatEntries' : `entries.${type}`} has data ${reference} twice` });
        seen.add(id);
      }
      return [type, [...seen]];
    }),
  );
}

const isId = (reference: string): boolean => reference.includes('-');
const numberOf = (reference: string): number => Number(reference.replace('#', ''));

/** Replaces what a data set holds. The caller holds the data set's row; what it stores is what the ancestry says. */
export async function putEntries(tx: DatabaseTransaction, tenant: TenantId, dataset: DatasetId, entries: ResolvedEntries, now: Date): Promise<void> {
  await tx.deleteFrom('dataset_entries').where('tenant_id', '=', tenant).where('dataset_id', '=', dataset).execute();
  for (const [type, ids] of entries) {
    if (ids.length === 0) continue;
    await sql`insert into dataset_entries (tenant_id, dataset_id, type, data_id) select ${tenant}::uuid, ${dataset}::uuid, ${type}, unnest(${ids}::uuid[])`.execute(
      tx,
    );
  }
  await countEntries(tx, tenant, [dataset]);
  await contentsToLineage(tx, tenant, dataset, now);
}

export async function copyEntries(tx: DatabaseTransaction, tenant: TenantId, from: DatasetId, to: DatasetId, now: Date): Promise<void> {
  await sql`insert into dataset_entries (tenant_id, dataset_id, type, data_id)
    select tenant_id, ${to}::uuid, type, data_id from dataset_entries where tenant_id = ${tenant} and dataset_id = ${from}`.execute(tx);
  await countEntries(tx, tenant, [to]);
  await contentsToLineage(tx, tenant, to, now);
}

export async function countEntries(tx: DatabaseTransaction, tenant: TenantId, datasets: readonly DatasetId[]): Promise<void> {
  await tx
    .updateTable('datasets')
    .set({ entry_count: sql<number>`(select count(*) from dataset_entries where dataset_id = datasets.id)` })
    .where('tenant_id', '=', tenant)
    .where('id', 'in', [...datasets])
    .execute();
}

/**
 * The `contains` edges are made anew with every change of the entries, in the same transaction, rather than when a run
 * first uses the data set: locking must cost the same for 100,000 entries as for one, and an unused data set has an
 * ancestry too. A locked one cannot change, so the ancestry of a run is what the run used.
 */
async function contentsToLineage(tx: DatabaseTransaction, tenant: TenantId, dataset: DatasetId, now: Date): Promise<void> {
  await sql`delete from lineage_edges where tenant_id = ${tenant} and to_kind = 'dataset' and to_id = ${dataset} and relation = 'contains'`.execute(tx);
  await sql`insert into lineage_edges (tenant_id, from_kind, from_id, to_kind, to_id, relation, created_at)
    select distinct tenant_id, 'data', data_id::text, 'dataset', dataset_id::text, 'contains', ${now}::timestamptz
    from dataset_entries where tenant_id = ${tenant} and dataset_id = ${dataset}`.execute(tx);
}
