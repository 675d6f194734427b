import type { Comparator, Comparison, OrderTerm } from '#mlflow/search-grammar.ts';
import { statesOf } from '#mlflow/statuses.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

/**
 * MLflow's conditions and orders on runs as SQL. The run's row is `r`. Names and values are parameters of the statement;
 * what stands in it as text comes from the tables below and from nowhere else.
 */
export type Sql = RawBuilder<unknown>;

const OPERATORS: Readonly<Record<Exclude<Comparator, 'IN' | 'NOT IN' | 'IS NULL' | 'IS NOT NULL'>, Sql>> = {
  '=': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
  LIKE: sql`like`,
  ILIKE: sql`ilike`,
};

/** A run that waits has no start, and MLflow knows no run without one. */
export const STARTED_AT = sql`coalesce(r.started_at, r.created_at)`;
export const artifactRootOf = (run: string): string => `mlflow-artifacts:/${run}`;

const TEXT_ATTRIBUTES: Readonly<Record<string, Sql>> = {
  run_id: sql`r.id::text`,
  run_name: sql`r.name`,
  user_id: sql`(select u.name from users u where u.id = r.created_by)`,
  status: sql`case r.state when 'queued' then 'SCHEDULED' when 'starting' then 'SCHEDULED' when 'succeeded' then 'FINISHED' when 'failed' then 'FAILED' when 'cancelled' then 'KILLED' else 'RUNNING' end`,
  artifact_uri: sql`('mlflow-artifacts:/' || r.id::text)`,
};
const INSTANTS: Readonly<Record<string, Sql>> = { start_time: STARTED_AT, end_time: sql`r.ended_at` };

export const RUN_NAME_TAG = 'mlflow.runName';
const CONTEXT_LABEL = 'mlflow.data.context';
/** As in the indexes over values, whose keys have a limit. */
const INDEXED_CHARACTERS = 250;

/** The part of a statement that holds for runs of which the comparison is true. What a run lacks makes it false. */
export function conditionOf(tenant: TenantId, comparison: Comparison): Sql {
  const { entity, key } = comparison;
  switch (entity) {
    case 'metric':
      return sql`exists (select 1 from metric_series s where s.tenant_id = ${tenant} and s.run_id = r.id and s.kind = 'scalar' and s.name = ${key} and ${ofNumber(sql`s.last_value`, comparison)})`;
    case 'parameter':
      return ofNamed(sql`run_parameters`, tenant, comparison);
    case 'tag':
      if (key === RUN_NAME_TAG)
        return comparison.type === 'presence' ? (comparison.comparator === 'IS NULL' ? sql`false` : sql`true`) : ofText(sql`r.name`, comparison);
      return ofNamed(sql`run_labels`, tenant, comparison);
    case 'dataset':
      return key === 'context'
        ? sql`exists (select 1 from run_inputs i, jsonb_array_elements(i.labels) l where i.tenant_id = ${tenant} and i.run_id = r.id and l ->> 'name' = ${CONTEXT_LABEL} and ${ofText(sql`(l ->> 'value')`, comparison)})`
        : sql`exists (select 1 from run_inputs i where i.tenant_id = ${tenant} and i.run_id = r.id and ${ofText(key === 'name' ? sql`i.name` : sql`i.digest`, comparison)})`;
    case 'attribute': {
      const instant = INSTANTS[key];
      if (instant !== undefined && comparison.type === 'number')
        return sql`extract(epoch from ${instant}) * 1000 ${OPERATORS[comparison.comparator]} ${comparison.value}`;
      // By the states themselves, for which there is an index.
      if (key === 'status' && comparison.type === 'text' && (comparison.comparator === '=' || comparison.comparator === '!=')) {
        const { comparator, value } = comparison;
        return sql`r.state = any(${statesOf((status) => (status === value) === (comparator === '='))}::text[])`;
      }
      return ofText(TEXT_ATTRIBUTES[key] ?? sql`null::text`, comparison);
    }
  }
}

/** NaN is greater than every number in PostgreSQL; here it is none of them. */
function ofNumber(column: Sql, comparison: Comparison): Sql {
  if (comparison.type !== 'number') return sql`false`;
  const compared = sql`${column} ${OPERATORS[comparison.comparator]} ${comparison.value}::float8`;
  return comparison.comparator === '>' || comparison.comparator === '>=' ? sql`(${compared} and ${column} <> 'NaN')` : compared;
}

function ofText(column: Sql, comparison: Comparison): Sql {
  if (comparison.type === 'list') {
    const among = sql`${column} = any(${comparison.value}::text[])`;
    return comparison.comparator === 'IN' ? among : sql`not (${among})`;
  }
  if (comparison.type !== 'text') return sql`false`;
  // In MLflow nothing stands for a plain % or _.
  const literal = comparison.comparator === 'LIKE' || comparison.comparator === 'ILIKE' ? sql` escape ''` : sql``;
  return sql`${column} ${OPERATORS[comparison.comparator]} ${comparison.value}${literal}`;
}

/** Of a table of names and values with a row for each that the run has. */
function ofNamed(table: Sql, tenant: TenantId, comparison: Comparison): Sql {
  const row = sql`select 1 from ${table} v where v.tenant_id = ${tenant} and v.run_id = r.id and v.name = ${comparison.key}`;
  if (comparison.type === 'presence') return comparison.comparator === 'IS NULL' ? sql`not exists (${row})` : sql`exists (${row})`;
  const indexed =
    comparison.type === 'text' && comparison.comparator === '='
      ? sql` and left(v.value, ${sql.lit(INDEXED_CHARACTERS)}) = left(${comparison.value}, ${sql.lit(INDEXED_CHARACTERS)})`
      : sql``;
  return sql`exists (${row}${indexed} and ${ofText(sql`v.value`, comparison)})`;
}

/** What a run that lacks it, or has NaN there, sorts by: last, in both directions. */
export function orderOf(tenant: TenantId, term: OrderTerm): Sql {
  const { entity, key } = term;
  const direction = term.ascending ? sql`asc` : sql`desc`;
  // Asked for each run, and so by the run's index: those that begin with the tenant do not serve `is not distinct`.
  const named = (table: Sql): Sql =>
    sql`(select v.value from ${table} v where v.tenant_id is not distinct from ${tenant} and v.run_id = r.id and v.name = ${key})`;
  if (entity === 'metric') {
    const value = sql`(select s.last_value from metric_series s where s.tenant_id is not distinct from ${tenant} and s.run_id = r.id and s.kind is not distinct from 'scalar' and s.name = ${key})`;
    // NaN is greater than every number in PostgreSQL, also turned about: it comes after them in both directions.
    return term.ascending ? sql`${value} asc nulls last` : sql`- ${value} asc nulls last`;
  }
  const value =
    entity === 'parameter'
      ? named(sql`run_parameters`)
      : entity === 'tag'
        ? key === RUN_NAME_TAG
          ? sql`r.name`
          : named(sql`run_labels`)
        : (INSTANTS[key] ?? TEXT_ATTRIBUTES[key] ?? sql`null::text`);
  return sql`${value} ${direction} nulls last`;
}
