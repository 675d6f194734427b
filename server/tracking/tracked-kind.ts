import type { RunKind } from '#runs/run-kind.ts';
import { Command } from '@sodate/contract/runs.ts';
import { z } from 'zod';

/** What its reporter says it runs; nothing here ever executes it. */
export const StoredTracked = z.object({ command: Command, environment: z.record(z.string(), z.string()) });
export type StoredTracked = z.infer<typeof StoredTracked>;

/** Runs that go on outside of the platform and report to it. They are never queued, and so never become a job. */
export const trackedKind: RunKind<StoredTracked> = {
  name: 'tracked',
  requestSchema: StoredTracked,
  toJob: ({ id }) => {
    throw new Error(`Run ${id} goes on outside of the platform and was never meant to be started here`);
  },
  finish: async () => ({ outputValue: null }),
  details: async (db, { tenant, id }) => {
    const found = await db
      .selectFrom('run_tracking')
      .innerJoin('experiments', 'experiments.id', 'run_tracking.experiment_id')
      .select(['experiments.number', 'experiments.name'])
      .where('run_tracking.tenant_id', '=', tenant)
      .where('run_tracking.run_id', '=', id)
      .executeTakeFirst();
    return { kind: 'tracked', experiment: found ?? { number: 0, name: 'Default' } };
  },
};
