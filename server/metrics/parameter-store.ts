import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { PARAMETERS_PER_RUN_LIMIT } from '#metrics/metric-limits.ts';
import { holdMetrics } from '#metrics/series-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

/**
 * Sets parameters of a run. One that is set keeps its value: setting the same again changes nothing. Of two of one name
 * the first counts.
 * @returns those that are set to something else, with what they are set to (nothing of them was changed), and how many
 * there was no room for, where those shall be counted
 * @throws SodateError `metrics-limit`, with `refuse`
 */
export async function putParameters(
  tx: DatabaseTransaction,
  tenant: TenantId,
  run: RunId,
  parameters: readonly Parameter[],
  beyondLimits: 'refuse' | 'count' = 'refuse',
): Promise<{ readonly different: readonly (Parameter & { readonly present: string })[]; readonly dropped: number }> {
  if (parameters.length === 0) return { different: [], dropped: 0 };
  // Held, so that two requests at once do not both take the last room.
  await holdMetrics(tx, tenant, run);
  const rows = await tx.selectFrom('run_parameters').select(['name', 'value']).where('tenant_id', '=', tenant).where('run_id', '=', run).execute();
  const present = new Map(rows.map(({ name, value }) => [name, value]));
  const fresh = [...new Map(parameters.toReversed().map((parameter) => [parameter.name, parameter])).values()].filter(({ name }) => !present.has(name));
  const room = Math.max(0, PARAMETERS_PER_RUN_LIMIT - rows.length);
  if (beyondLimits === 'refuse' && fresh.length > room) throw new SodateError('metrics-limit', { limit: PARAMETERS_PER_RUN_LIMIT, things: 'parameters' });
  const kept = fresh.slice(0, room);
  if (kept.length > 0)
    await insertionOfParameters(
      tenant,
      kept.map((parameter) => ({ run, ...parameter })),
    ).execute(tx);
  for (const { name, value } of kept) present.set(name, value);
  const different = parameters.flatMap((parameter) => {
    const now = present.get(parameter.name);
    return now === undefined || now === parameter.value ? [] : [{ ...parameter, present: now }];
  });
  return { different, dropped: fresh.length - kept.length };
}

/** As a part of a statement. One that is there already fails it. */
export const insertionOfParameters = (tenant: TenantId, rows: readonly (Parameter & { readonly run: RunId })[]): RawBuilder<unknown> => sql`
  insert into run_parameters (tenant_id, run_id, name, value, number)
  select ${tenant}, * from unnest(${rows.map(({ run }) => run)}::uuid[], ${rows.map(({ name }) => name)}::text[],
    ${rows.map(({ value }) => value)}::text[], ${rows.map(({ value }) => numberIn(value))}::float8[])`;

export interface PresentParameters {
  /** Of the run, whatever their names. */
  readonly count: number;
  /** Those that were asked for and are there. */
  readonly values: ReadonlyMap<string, string>;
}

/** By run, for runs that have any. */
export async function readPresentParameters(
  tx: DatabaseTransaction,
  tenant: TenantId,
  asked: readonly { readonly run: RunId; readonly names: readonly string[] }[],
): Promise<ReadonlyMap<RunId, PresentParameters>> {
  if (asked.length === 0) return new Map();
  const pairs = asked.flatMap(({ run, names }) => names.map((name) => ({ run, name })));
  const { rows } = await sql<{ run_id: RunId; count: number; names: readonly string[]; texts: readonly string[] }>`
    select p.run_id, count(*) as count, coalesce(array_agg(p.name) filter (where asked.name is not null), '{}') as names,
      coalesce(array_agg(p.value) filter (where asked.name is not null), '{}') as texts
    from run_parameters p
      left join (select distinct * from unnest(${pairs.map(({ run }) => run)}::uuid[], ${pairs.map(({ name }) => name)}::text[]) as a (run_id, name)) asked
        on asked.run_id = p.run_id and asked.name = p.name
    where p.tenant_id = ${tenant} and p.run_id = any(${asked.map(({ run }) => run)}::uuid[])
    group by p.run_id`.execute(tx);
  return new Map(rows.map(({ run_id, count, names, texts }) => [run_id, { count, values: new Map(names.map((name, at) => [name, texts[at] ?? ''])) }]));
}

/**
 * As `putParameters`, for requests: all of them or none.
 * @returns those that are set to something else, with what they are set to
 */
export const setParameters = async (
  tx: DatabaseTransaction,
  tenant: TenantId,
  run: RunId,
  parameters: readonly Parameter[],
): Promise<readonly (Parameter & { readonly present: string })[]> => (await putParameters(tx, tenant, run, parameters)).different;

/** By name. */
export const readParameters = async (db: Database, tenant: TenantId, runs: readonly RunId[]): Promise<readonly (Parameter & { readonly run_id: string })[]> =>
  runs.length === 0
    ? []
    : db
        .selectFrom('run_parameters')
        .select(['run_id', 'name', 'value'])
        .where('tenant_id', '=', tenant)
        .where(sql<boolean>`run_id = any(${runs}::uuid[])`)
        .orderBy('run_id')
        .orderBy('name')
        .execute();

/** Of a run by name, as a part of a statement: a list of pairs of name and value as JSON. */
export const parametersAsJson = (tenant: TenantId, run: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  coalesce((select json_agg(json_build_array(p.name, p.value) order by p.name) from run_parameters p
    where p.run_id = ${run} and p.tenant_id is not distinct from ${tenant}), '[]')`;

/** What a value is as a number, for filters; null where it is a word. */
function numberIn(value: string): number | null {
  if (value.trim() === '' || !/^[-+]?(\d|\.\d)[\d.eE+-]*$/.test(value.trim())) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
