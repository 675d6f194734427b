import type { Database } from '#kit/db/open-database.ts';
import type { Label } from '#tracking/run-label-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

/** Data that a run says it used. Where it lies is the run's word; nothing here reads it. */
export interface RunInput {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema: string | null;
  readonly profile: string | null;
  readonly labels: readonly Label[];
}

/** Said again of the same name and digest, the later word counts. */
export async function addRunInputs(db: Database, tenant: TenantId, run: RunId, inputs: readonly RunInput[]): Promise<void> {
  if (inputs.length === 0) return;
  const last = [...new Map(inputs.map((input) => [JSON.stringify([input.name, input.digest]), input])).values()];
  await db
    .insertInto('run_inputs')
    .values(
      last.map((input) => ({
        tenant_id: tenant,
        run_id: run,
        name: input.name,
        digest: input.digest,
        source_type: input.sourceType,
        source: input.source,
        schema: input.schema,
        profile: input.profile,
        labels: JSON.stringify(input.labels),
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['run_id', 'name', 'digest']).doUpdateSet((excluded) => ({
        source_type: excluded.ref('excluded.source_type'),
        source: excluded.ref('excluded.source'),
        schema: excluded.ref('excluded.schema'),
        profile: excluded.ref('excluded.profile'),
        labels: excluded.ref('excluded.labels'),
      })),
    )
    .execute();
}

/** Of a run by name, as a part of a statement: a list of `RunInput` as JSON. */
export const inputsAsJson = (tenant: TenantId, run: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  coalesce((select json_agg(json_build_object('name', i.name, 'digest', i.digest, 'sourceType', i.source_type, 'source', i.source, 'schema', i.schema,
      'profile', i.profile, 'labels', i.labels) order by i.name) from run_inputs i
    where i.tenant_id = ${tenant} and i.run_id = ${run}), '[]')`;
