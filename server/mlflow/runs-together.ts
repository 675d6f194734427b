import { isAboutDatabase } from '#kit/db/database-errors.ts';
import type { Caller } from '#kit/http/access.ts';
import { inGroups } from '#kit/in-groups.ts';
import { checkWritable, type MlflowParts, referenceOf, type RunAsked } from '#mlflow/mlflow-parts.ts';
import { showRunInfos } from '#mlflow/show-runs.ts';
import {
  type BegunRun,
  beginTrackedRuns,
  endTrackedRuns,
  type Experiment,
  findExperiment,
  findTrackableRuns,
  type TrackedBegin,
  type TrackedEnd,
} from '#tracking/tracking.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { Run } from '@sodate/contract/mlflow.ts';
import type { z } from 'zod';

/** Runs in one transaction. */
const RUNS_TOGETHER = 100;

const RULES = {
  laneOf: ({ tenant }: { readonly tenant: TenantId }): string => tenant,
  weightLimit: RUNS_TOGETHER,
  weightOf: (): number => 1,
  mayBeAboutOne: (error: unknown): boolean => !isAboutDatabase(error),
};

interface BeginAsk {
  readonly tenant: TenantId;
  /** Its number, as text. */
  readonly experiment: string;
  readonly begin: Omit<TrackedBegin, 'experiment'>;
}

/**
 * Begins runs; those that are asked for at the same time in one transaction.
 * @throws SodateError `not-found` for the experiment, `wrong-state` for one that is put aside
 */
export const makeRunBeginner = (parts: MlflowParts): ((ask: BeginAsk) => Promise<BegunRun & { readonly experiment: Experiment }>) =>
  inGroups(RULES, async (asks: readonly BeginAsk[]) => {
    const tenant = asks[0]?.tenant as TenantId;
    const experiments = new Map<string, Experiment>();
    for (const { experiment } of asks)
      if (!experiments.has(experiment)) experiments.set(experiment, await findExperiment(parts.db, tenant, experiment, parts.clock.now()));
    const begins = asks.map(({ experiment, begin }) => ({ ...begin, experiment: experiments.get(experiment) as Experiment }));
    const begun = await beginTrackedRuns(parts, tenant, begins);
    return begun.map((run, at) => ({ ...run, experiment: (begins[at] as TrackedBegin).experiment }));
  });

interface UpdateAsk {
  readonly caller: Caller;
  readonly tenant: TenantId;
  readonly run: RunAsked;
  /** Null: it stays. */
  readonly name: string | null;
  /** Null: it goes on. */
  readonly end: Omit<TrackedEnd, 'run'> | null;
}

/**
 * Renames and ends runs; what is asked for at the same time in one transaction, but for names.
 * @throws SodateError `not-found`, `not-allowed`, `wrong-state`; `invalid-request` for a name that is none
 */
export const makeRunUpdater = (
  parts: MlflowParts,
  rename: (tenant: TenantId, run: BegunRun['id'], name: string) => Promise<void>,
): ((ask: UpdateAsk) => Promise<z.input<typeof Run>['info']>) =>
  inGroups(RULES, async (asks: readonly UpdateAsk[]) => {
    const tenant = asks[0]?.tenant as TenantId;
    const found = await findTrackableRuns(
      parts.db,
      tenant,
      asks.map(({ run }) => referenceOf(run)),
    );
    const updates = found.map((run, at) => {
      const { caller, name, end } = asks[at] as UpdateAsk;
      if ('missing' in run) throw run.missing;
      checkWritable(caller, run);
      return { run, name, end };
    });
    for (const { run, name } of updates) if (name !== null && name !== run.name) await rename(tenant, run.id, name);
    await endTrackedRuns(
      parts,
      tenant,
      updates.flatMap(({ run, end }) => (end === null ? [] : [{ run, ...end }])),
    );
    return showRunInfos(
      parts.db,
      tenant,
      updates.map(({ run }) => run.id),
    );
  });
