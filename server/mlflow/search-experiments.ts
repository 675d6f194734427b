import type { Database } from '#kit/db/open-database.ts';
import { orTooSlow } from '#kit/db/open-searches.ts';
import { readPageToken, writePageToken } from '#mlflow/page-token.ts';
import { type Comparison, EXPERIMENT_GRAMMAR, type OrderTerm, parseFilter, parseOrder } from '#mlflow/search-grammar.ts';
import type { Experiment } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { ViewType } from '@sodate/contract/mlflow.ts';
import { type RawBuilder, sql } from 'kysely';

const COLUMNS: Readonly<Record<string, RawBuilder<unknown>>> = {
  name: sql`e.name`,
  experiment_id: sql`e.number::text`,
  creation_time: sql`(extract(epoch from e.created_at) * 1000)`,
  last_update_time: sql`(extract(epoch from e.updated_at) * 1000)`,
};
const OPERATORS = { '=': sql`=`, '!=': sql`<>`, '<': sql`<`, '<=': sql`<=`, '>': sql`>`, '>=': sql`>=`, LIKE: sql`like`, ILIKE: sql`ilike` } as const;

/**
 * One page of a tenant's experiments, the latest changed first unless an order is given.
 * @throws SodateError `search-too-slow`, `invalid-request` for a filter, order or token that is not one
 */
export async function searchExperimentRows(
  searches: Database,
  tenant: TenantId,
  search: { readonly filter: string; readonly order: readonly string[]; readonly view: ViewType; readonly limit: number; readonly pageToken: string },
): Promise<{ readonly rows: readonly Experiment[]; readonly nextPageToken: string | undefined }> {
  const conditions = parseFilter(search.filter, EXPERIMENT_GRAMMAR).map((comparison) => conditionOf(tenant, comparison));
  const orders = parseOrder(search.order, EXPERIMENT_GRAMMAR).map(orderOf);
  const offset = readPageToken(search.pageToken);
  const visible = search.view === 'ALL' ? sql`true` : search.view === 'ACTIVE_ONLY' ? sql`e.deleted_at is null` : sql`e.deleted_at is not null`;
  const order = orders.length === 0 ? [sql`e.updated_at desc`] : orders;
  const found = sql<Experiment>`
    select e.id, e.number, e.name, e.created_at, e.updated_at, e.deleted_at from experiments e
    where e.tenant_id = ${tenant} and ${visible} and ${sql.join([sql`true`, ...conditions], sql` and `)}
    order by ${sql.join([...order, sql`e.number desc`], sql`, `)} limit ${search.limit + 1} offset ${offset}`;
  const { rows } = await orTooSlow(found.execute(searches));
  return { rows: rows.slice(0, search.limit), nextPageToken: rows.length > search.limit ? writePageToken(offset + search.limit) : undefined };
}

function conditionOf(tenant: TenantId, comparison: Comparison): RawBuilder<unknown> {
  if (comparison.entity !== 'tag') return compare(COLUMNS[comparison.key] ?? sql`null::text`, comparison);
  const row = sql`select 1 from experiment_labels l where l.tenant_id = ${tenant} and l.experiment_id = e.id and l.name = ${comparison.key}`;
  if (comparison.type === 'presence') return comparison.comparator === 'IS NULL' ? sql`not exists (${row})` : sql`exists (${row})`;
  return sql`exists (${row} and ${compare(sql`l.value`, comparison)})`;
}

function compare(column: RawBuilder<unknown>, comparison: Comparison): RawBuilder<unknown> {
  switch (comparison.type) {
    case 'number':
      return sql`${column} ${OPERATORS[comparison.comparator]} ${comparison.value}`;
    case 'text': {
      const pattern = comparison.comparator === 'LIKE' || comparison.comparator === 'ILIKE';
      return sql`${column} ${OPERATORS[comparison.comparator]} ${comparison.value}${pattern ? sql` escape ''` : sql``}`;
    }
    case 'list':
      return comparison.comparator === 'IN' ? sql`${column} = any(${comparison.value}::text[])` : sql`${column} <> all(${comparison.value}::text[])`;
    case 'presence':
      return sql`false`;
  }
}

function orderOf(term: OrderTerm): RawBuilder<unknown> {
  const column = term.entity === 'attribute' ? COLUMNS[term.key] : undefined;
  if (column === undefined) throw new SodateError('invalid-request', { details: `Invalid order_by entity: ${term.entity}` });
  // As text 10 comes before 9.
  return sql`${term.key === 'experiment_id' ? sql`e.number` : column} ${term.ascending ? sql`asc` : sql`desc`}`;
}
