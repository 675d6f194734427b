import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

/** A name and a value that say something of a run. */
export interface Label {
  readonly name: string;
  readonly value: string;
}

/** The last one of a name counts. */
export const setRunLabels = (db: Database | DatabaseTransaction, tenant: TenantId, run: RunId, labels: readonly Label[]): Promise<void> =>
  setLabelsOfRuns(
    db,
    tenant,
    labels.map((label) => ({ run, ...label })),
  );

/** As `setRunLabels`, for several runs in one statement. */
export async function setLabelsOfRuns(
  db: Database | DatabaseTransaction,
  tenant: TenantId,
  labels: readonly (Label & { readonly run: RunId })[],
): Promise<void> {
  if (labels.length > 0) await insertionOfLabels(tenant, labels).execute(db);
}

/** As a part of a statement. There must be one at least. */
export function insertionOfLabels(tenant: TenantId, labels: readonly (Label & { readonly run: RunId })[]): RawBuilder<unknown> {
  const last = [...new Map(labels.map((label) => [`${label.run} ${label.name}`, label])).values()];
  // In one order, so that two who write the same labels at the same time do not wait for each other in a circle.
  return sql`
    insert into run_labels (tenant_id, run_id, name, value)
    select ${tenant}, u.* from unnest(${last.map(({ run }) => run)}::uuid[], ${last.map(({ name }) => name)}::text[], ${last.map(({ value }) => value)}::text[])
      as u (run_id, name, value) order by u.run_id, u.name
    on conflict (run_id, name) do update set value = excluded.value`;
}

/** @returns whether there was one */
export async function removeRunLabel(db: Database, tenant: TenantId, run: RunId, name: string): Promise<boolean> {
  const gone = await db.deleteFrom('run_labels').where('tenant_id', '=', tenant).where('run_id', '=', run).where('name', '=', name).executeTakeFirst();
  return gone.numDeletedRows > 0n;
}

/** Of a run by name, as a part of a statement: a list of pairs of name and value as JSON. */
export const labelsAsJson = (tenant: TenantId, run: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  coalesce((select json_agg(json_build_array(l.name, l.value) order by l.name) from run_labels l
    where l.run_id = ${run} and l.tenant_id is not distinct from ${tenant}), '[]')`;
