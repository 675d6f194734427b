import type { Database } from '#kit/db/open-database.ts';
import { orTooSlow } from '#kit/db/open-searches.ts';
import { readPageToken, writePageToken } from '#mlflow/page-token.ts';
import { conditionOf, orderOf, type Sql, STARTED_AT } from '#mlflow/search-conditions.ts';
import { parseFilter, parseOrder, RUN_GRAMMAR } from '#mlflow/search-grammar.ts';
import { DEFAULT_EXPERIMENT } from '#tracking/tracking.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import type { ViewType } from '@sodate/contract/mlflow.ts';
import { sql } from 'kysely';

interface RunSearch {
  readonly experiments: readonly string[];
  readonly filter: string;
  readonly order: readonly string[];
  readonly view: ViewType;
  readonly limit: number;
  readonly pageToken: string;
}

/**
 * The ids of one page of runs, newest first unless an order is given. Experiments that this tenant does not have hold
 * nothing.
 * @throws SodateError `search-too-slow`, `invalid-request` for a filter, order or token that is not one
 */
export async function searchRunIds(
  searches: Database,
  tenant: TenantId,
  search: RunSearch,
): Promise<{ readonly ids: readonly RunId[]; readonly nextPageToken: string | undefined }> {
  const conditions = parseFilter(search.filter, RUN_GRAMMAR).map((comparison) => conditionOf(tenant, comparison));
  const orders = parseOrder(search.order, RUN_GRAMMAR).map((term) => orderOf(tenant, term));
  const offset = readPageToken(search.pageToken);
  const numbers = search.experiments.filter((reference) => /^(0|[1-9][0-9]{0,14})$/.test(reference)).map(Number);
  if (numbers.length === 0) return { ids: [], nextPageToken: undefined };
  const withDefault = numbers.includes(DEFAULT_EXPERIMENT);
  const named = sql`t.experiment_id = any(array(select e.id from experiments e where e.tenant_id = ${tenant} and e.number = any(${numbers}::bigint[])))`;
  const inside: Sql = withDefault ? sql`(t.experiment_id is null or ${named})` : named;
  const visible: Sql = search.view === 'ALL' ? sql`true` : search.view === 'ACTIVE_ONLY' ? sql`t.hidden_at is null` : sql`t.hidden_at is not null`;
  // Without an order that was asked for, the one in which runs were made, for which there is an index on both sides.
  const newestFirst = withDefault ? sql`r.created_at desc, r.id desc` : sql`t.created_at desc, t.run_id desc`;
  const found = sql<{ id: RunId }>`
    select r.id from runs r ${withDefault ? sql`left join` : sql`join`} run_tracking t on t.run_id = r.id
    where r.tenant_id = ${tenant} and ${withDefault ? sql`true` : sql`t.tenant_id = ${tenant}`} and ${inside} and ${visible}
      and ${sql.join([sql`true`, ...conditions], sql` and `)}
    order by ${orders.length === 0 ? newestFirst : sql.join([...orders, sql`${STARTED_AT} desc`, sql`r.id`], sql`, `)}
    limit ${search.limit + 1} offset ${offset}`;
  const { rows } = await orTooSlow(found.execute(searches));
  return {
    ids: rows.slice(0, search.limit).map(({ id }) => id),
    nextPageToken: rows.length > search.limit ? writePageToken(offset + search.limit) : undefined,
  };
}
