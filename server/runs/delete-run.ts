import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import { unlockDatasetWhenUnused } from '#datasets/datasets.ts';
import { markLineageDeleted, refuseWhenStoodOn } from '#lineage/lineage.ts';
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
      await refuseWhenStoodOn(tx, tenant, { kind: 'run', id: run.id, thing: 'Run', reference });
      const datasets = await tx.deleteFrom('run_datasets').where('tenant_id', '=', tenant).where('run_id', '=', run.id).returning('dataset_id').execute();
      await tx.deleteFrom('runs').where('tenant_id', '=', tenant).where('id', '=', run.id).where('state', 'in', ['succeeded', 'failed', 'cancelled']).execute();
      for (const { dataset_id } of datasets) await unlockDatasetWhenUnused(tx, tenant, dataset_id as DatasetId);
      await markLineageDeleted(tx, tenant, { kind: 'run', id: run.id }, clock.now());
    });
  } catch (error) {
    if (isForeignKeyViolation(error)) {
      // Submitted in between: now they are there to be named, unless they have gone again.
      await refuseWhenStoodOn(db, tenant, { kind: 'run', id: run.id, thing: 'Run', reference });
      throw new SodateError('in-use', { thing: 'Run', reference, users: 'runs submitted just now', total: 1 }, { cause: error });
    }
    throw error;
  }
}
