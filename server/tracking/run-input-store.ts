import type { Database } from '#kit/db/open-database.ts';
import type { Label } from '#tracking/run-label-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { z } from 'zod';

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

const StoredLabels = z.array(z.object({ name: z.string(), value: z.string() }));

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

/** By run. Runs without inputs are left out. */
export async function readRunInputs(db: Database, tenant: TenantId, runs: readonly string[]): Promise<ReadonlyMap<string, readonly RunInput[]>> {
  const found = new Map<string, RunInput[]>();
  if (runs.length === 0) return found;
  const rows = await db
    .selectFrom('run_inputs')
    .selectAll()
    .where('tenant_id', '=', tenant)
    .where(sql<boolean>`run_id = any(${runs}::uuid[])`)
    .orderBy('name')
    .execute();
  for (const row of rows) {
    const input: RunInput = {
      name: row.name,
      digest: row.digest,
      sourceType: row.source_type,
      source: row.source,
      schema: row.schema,
      profile: row.profile,
      labels: StoredLabels.parse(row.labels),
    };
    found.set(row.run_id, [...(found.get(row.run_id) ?? []), input]);
  }
  return found;
}
