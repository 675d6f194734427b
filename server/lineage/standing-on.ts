import type { Database } from '#kit/db/open-database.ts';
import { type ErrorThing, SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { LineageKind } from '@sodate/contract/lineage.ts';
import { EXACT_TOTAL_LIMIT } from '@sodate/contract/paging.ts';
import { type RawBuilder, sql } from 'kysely';

/**
 * What living things stand on a thing, so that it cannot be deleted while they are there: a data under what was derived
 * from it and under locked data sets, a data set under the runs that used it, a run under the runs that have it as a
 * parent. Read from the features' own tables, which is what the database itself would refuse by; the graph also
 * remembers what has gone.
 */
export interface StandingThings {
  /** The oldest of them. */
  readonly items: readonly ErrorThing[];
  readonly total: { readonly count: number; readonly exact: boolean };
}

/** An error and a page list this many. */
const LISTED_LIMIT = 50;
/** A sentence names this many. */
const NAMED_LIMIT = 5;

const STANDING: Readonly<Record<LineageKind, ((tenant: TenantId, id: string) => RawBuilder<unknown>) | null>> = {
  data: (tenant, id) => sql`
    select 'data' as kind, id, '#' || number as reference, name, created_at from data where tenant_id = ${tenant} and parent_id = ${id}::uuid
    union all
    select 'dataset', id, '#' || number, name, created_at from datasets
    where tenant_id = ${tenant} and locked_at is not null and id in (select dataset_id from dataset_entries where tenant_id = ${tenant} and data_id = ${id}::uuid)`,
  dataset: (tenant, id) => sql`
    select 'run' as kind, runs.id, runs.kind || '-' || runs.number as reference, runs.name, runs.created_at
    from run_datasets join runs on runs.id = run_datasets.run_id
    where run_datasets.tenant_id = ${tenant} and runs.tenant_id = ${tenant} and run_datasets.dataset_id = ${id}::uuid`,
  run: (tenant, id) => sql`
    select 'run' as kind, runs.id, runs.kind || '-' || runs.number as reference, runs.name, runs.created_at
    from run_parents join runs on runs.id = run_parents.run_id
    where run_parents.tenant_id = ${tenant} and runs.tenant_id = ${tenant} and run_parents.parent_id = ${id}::uuid`,
  // A commit is its repository's; nothing here deletes it.
  commit: null,
};

/** @param only of this kind */
export async function readStandingOn(
  db: Database,
  tenant: TenantId,
  thing: { readonly kind: LineageKind; readonly id: string },
  only?: LineageKind,
): Promise<StandingThings> {
  const standing = STANDING[thing.kind];
  if (standing === null) return { items: [], total: { count: 0, exact: true } };
  const { rows } = await sql<ErrorThing & { total: number }>`
    with standing as (select * from (${standing(tenant, thing.id)}) s where ${only ?? null}::text is null or kind = ${only ?? null}::text),
    counted as (select count(*)::int as total from (select from standing limit ${EXACT_TOTAL_LIMIT + 1}) bounded)
    select kind, id, reference, name, total from standing, counted order by created_at, id limit ${LISTED_LIMIT}`.execute(db);
  const count = rows[0]?.total ?? 0;
  return {
    items: rows.map(({ kind, id, reference, name }) => ({ kind, id, reference, name })),
    total: { count: Math.min(count, EXACT_TOTAL_LIMIT), exact: count <= EXACT_TOTAL_LIMIT },
  };
}

/** The refusal that goes with it, the same for all things. `thing` as in a sentence: `Data set`. */
export function inUseError(thing: { readonly thing: string; readonly reference: string }, standing: StandingThings): SodateError {
  const { items, total } = standing;
  return new SodateError('in-use', { ...thing, users: inWords(standing), total: total.count }, { things: items });
}

const KIND_WORDS: Readonly<Record<string, string>> = { data: 'data', dataset: 'data set', run: 'run', commit: 'commit' };

/** `data sets #3 “digits”, #4 “faces” and run training-7 “first”`; more than a few are counted. */
function inWords({ items, total }: StandingThings): string {
  const named = items.slice(0, NAMED_LIMIT);
  const groups = [...new Set(named.map(({ kind }) => kind))].map((kind) => {
    const names = named.filter((one) => one.kind === kind).map(({ reference, name }) => `${reference} “${name}”`);
    return `${KIND_WORDS[kind] ?? kind}${names.length === 1 || kind === 'data' ? '' : 's'} ${names.join(', ')}`;
  });
  const more = total.count - named.length;
  const rest = more > 0 ? [`${more.toLocaleString('en')}${total.exact ? '' : ' or more'} more`] : [];
  return [...groups, ...rest].join(' and ');
}
