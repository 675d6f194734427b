import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { PARAMETERS_PER_RUN_LIMIT } from '#metrics/metric-limits.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

/**
 * Sets parameters of a run. One that is set keeps its value: setting the same again changes nothing. Of two of one name
 * the first counts.
 * @returns those that are set to something else, with what they are set to; nothing of them was changed
 */
export async function putParameters(
  tx: DatabaseTransaction,
  tenant: TenantId,
  run: RunId,
  parameters: readonly Parameter[],
): Promise<readonly (Parameter & { readonly present: string })[]> {
  if (parameters.length === 0) return [];
  const wanted = [...new Map(parameters.toReversed().map((parameter) => [parameter.name, parameter])).values()];
  const names = wanted.map(({ name }) => name);
  await sql`
    insert into run_parameters (tenant_id, run_id, name, value, number)
    select ${tenant}, ${run}, * from unnest(${names}::text[], ${wanted.map(({ value }) => value)}::text[], ${wanted.map(({ value }) => numberIn(value))}::float8[])
    on conflict (run_id, name) do nothing`.execute(tx);
  const rows = await tx.selectFrom('run_parameters').select(['name', 'value']).where('tenant_id', '=', tenant).where('run_id', '=', run).execute();
  if (rows.length > PARAMETERS_PER_RUN_LIMIT) throw new SodateError('metrics-limit', { limit: PARAMETERS_PER_RUN_LIMIT, things: 'parameters' });
  const present = new Map(rows.map(({ name, value }) => [name, value]));
  return parameters.filter(({ name, value }) => present.get(name) !== value).map((parameter) => ({ ...parameter, present: present.get(parameter.name) ?? '' }));
}

/** By name. */
export const readParameters = async (db: Database, tenant: TenantId, runs: readonly RunId[]): Promise<readonly (Parameter & { readonly run_id: string })[]> =>
  runs.length === 0
    ? []
    : db
        .selectFrom('run_parameters')
        .select(['run_id', 'name', 'value'])
        .where('tenant_id', '=', tenant)
        .where('run_id', 'in', runs)
        .orderBy('run_id')
        .orderBy('name')
        .execute();

/** What a value is as a number, for filters; null where it is a word. */
function numberIn(value: string): number | null {
  if (value.trim() === '' || !/^[-+]?(\d|\.\d)[\d.eE+-]*$/.test(value.trim())) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
