import type { Database } from '#kit/db/open-database.ts';
import type { NamedThing } from '@sodate/contract/metrics.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

/** Different names looked at for one answer, twice at most. Each is one descent of an index, some 10 µs. */
const LOOKED_LIMIT = 2_000;

/** The rows that have names, by the tenant, and by the index that goes on with the name. */
const ROWS: Readonly<Record<NamedThing, (tenant: TenantId) => RawBuilder<unknown>>> = {
  metric: (tenant) => sql`metric_series where tenant_id = ${tenant} and kind = 'scalar'`,
  parameter: (tenant) => sql`run_parameters where tenant_id = ${tenant}`,
};

/**
 * What metrics or parameters of the tenant's runs are called: names that begin with the text, then names that contain it in
 * any case. Costs by the names that are looked at and not by the runs that have them: there may be a million of either, so
 * beyond a bound there may be `more` than is found.
 */
export async function findNames(
  db: Database,
  tenant: TenantId,
  ask: { readonly kind: NamedThing; readonly text: string; readonly limit: number },
): Promise<{ readonly names: readonly string[]; readonly more: boolean }> {
  const { kind, text, limit } = ask;
  const rows = ROWS[kind](tenant);
  const starting = await lookAt(db, rows, text, sql<boolean>`starts_with(name, ${text})`, limit);
  if (text === '' || starting.names.length > limit) return { names: starting.names.slice(0, limit), more: starting.names.length > limit || !starting.all };
  const containing = await lookAt(db, rows, '', sql<boolean>`position(lower(${text}) in lower(name)) > 0`, limit + starting.names.length);
  const names = [...new Set([...starting.names, ...containing.names])];
  // Whoever has looked at all names that there are has also seen those that begin with the text.
  return { names: names.slice(0, limit), more: names.length > limit || !containing.all };
}

/** Goes from name to name, each the first behind the one before. @returns one more name than the limit where there is one */
async function lookAt(
  db: Database,
  rows: RawBuilder<unknown>,
  from: string,
  matches: RawBuilder<boolean>,
  limit: number,
): Promise<{ readonly names: readonly string[]; readonly all: boolean }> {
  const { rows: found } = await sql<{ readonly names: readonly string[]; readonly looked: number }>`
    with recursive walk as (
      (select name, 1 as looked from ${rows} and name >= ${from} order by name limit 1)
      union all
      select next.name, walk.looked + 1 from walk, lateral (select name from ${rows} and name > walk.name order by name limit 1) next
      where walk.looked < ${LOOKED_LIMIT}
    )
    select coalesce((array_agg(name order by looked) filter (where ${matches}))[1:${limit + 1}], '{}') as names, count(*)::int as looked from walk`.execute(db);
  const { names, looked } = found[0] ?? { names: [], looked: 0 };
  return { names, all: looked < LOOKED_LIMIT };
}
