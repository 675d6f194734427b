import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import { unlockDatasetWhenUnused } from '#datasets/datasets.ts';
import { markLineageDeleted } from '#lineage/lineage.ts';
import type { FoundRun } from '#runs/find-run.ts';
import { isEnded } from '#runs/run-states.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';

/**
 * Deletes a run that has ended. Its files go after the commit; what a crash leaves of them is swept.
 * @throws SodateError `wrong-state` while it lives, `in-use` while other runs have it as a parent
 */
export async function deleteRun(db: Database, clock: Clock, tenant: TenantId, run: FoundRun): Promise<void> {
  const reference = `${run.kind}-${run.number}`;
  if (!isEnded(run.state)) throw new SodateError('wrong-state', { thing: 'Run', reference, state: run.state, needed: 'a run that has ended; stop it first' });
  try {
    await db.transaction().execute(async (tx) => {
      const children = await tx
        .selectFrom('run_parents')
        .innerJoin('runs', 'runs.id', 'run_parents.run_id')
        .select(['runs.kind', 'runs.number'])
        .where('run_parents.tenant_id', '=', tenant)
        .where('run_parents.parent_id', '=', run.id)
        .limit(10)
        .execute();
      if (children.length > 0) throw inUse(reference, children.map((child) => `${child.kind}-${child.number}`).join(', '));
      const datasets = await tx.deleteFrom('run_datasets').where('tenant_id', '=', tenant).where('run_id', '=', run.id).returning('dataset_id').execute();
      await tx.deleteFrom('runs').where('tenant_id', '=', tenant).where('id', '=', run.id).where('state', 'in', ['succeeded', 'failed', 'cancelled']).execute();
      for (const { dataset_id } of datasets) await unlockDatasetWhenUnused(tx, tenant, dataset_id as DatasetId);
      await markLineageDeleted(tx, tenant, { kind: 'run', id: run.id }, clock.now());
    });
  } catch (error) {
    if (isForeignKeyViolation(error)) throw inUse(reference, 'runs submitted just now');
    throw error;
  }
}

const inUse = (reference: string, users: string): SodateError => new SodateError('in-use', { thing: 'Run', reference, users });
