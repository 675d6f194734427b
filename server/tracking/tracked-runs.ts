import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { beginReportedRun, endReportedRun } from '#runs/report-run.ts';
import { DEFAULT_EXPERIMENT, type Experiment } from '#tracking/experiment-store.ts';
import { type Label, setRunLabels } from '#tracking/run-label-store.ts';
import type { StoredTracked } from '#tracking/tracked-kind.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { RunId, type TenantId, type UserId } from '@sodate/contract/ids.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';
import { runWords } from '@sodate/contract/run-words.ts';

export interface TrackingParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly changes: Pick<ChangeFeed, 'publish'>;
}

/** Any run of a tenant, as tracking sees it. */
export interface TrackableRun {
  readonly id: RunId;
  readonly kind: string;
  readonly name: string;
  readonly state: RunState;
  readonly attemptId: string | null;
  /** Null: the default one. */
  readonly experiment: string | null;
  /** The run whose job began this one. */
  readonly maker: string | null;
  readonly hidden: boolean;
}

interface TrackableRow {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly state: string;
  readonly attempt_id: string | null;
  readonly experiment_id: string | null;
  readonly maker_run_id: string | null;
  readonly hidden_at: Date | null;
}

/** @throws SodateError `not-found` for unknown ones, for those of other tenants, and for what is no id at all */
export async function findTrackableRun(db: Database, tenant: TenantId, reference: string): Promise<TrackableRun> {
  const id = RunId.safeParse(reference);
  // Written out, since clients ask it with each point that they log.
  const found = id.success
    ? await sql<TrackableRow>`
        select r.id, r.kind, r.name, r.state, r.attempt_id, t.experiment_id, t.maker_run_id, t.hidden_at
        from runs r left join run_tracking t on t.run_id = r.id
        where r.tenant_id = ${tenant} and r.id = ${id.data}`.execute(db)
    : null;
  const row = found?.rows[0];
  if (row === undefined) throw new SodateError('not-found', { thing: 'run', reference: reference.slice(0, 100) });
  return {
    id: row.id as RunId,
    kind: row.kind,
    name: row.name,
    state: row.state as RunState,
    attemptId: row.attempt_id,
    experiment: row.experiment_id,
    maker: row.maker_run_id,
    hidden: row.hidden_at !== null,
  };
}

/** Begins a run outside of the platform. All of it is stored, or nothing. */
export async function beginTrackedRun(
  { db, clock, changes }: TrackingParts,
  ask: {
    readonly tenant: TenantId;
    readonly user: UserId;
    readonly experiment: Experiment;
    readonly name: string;
    readonly startedAt: Date | null;
    readonly labels: readonly Label[];
    /** What its reporter says it runs. */
    readonly command: string;
    /** The run whose job begins this one. */
    readonly maker: RunId | null;
  },
): Promise<RunId> {
  if (ask.experiment.deleted_at !== null)
    throw new SodateError('wrong-state', {
      thing: 'Experiment',
      reference: ask.experiment.name,
      state: 'deleted',
      needed: 'one that is not; restore it first',
    });
  const id = newId<RunId>();
  const now = clock.now();
  const request: StoredTracked = { command: ask.command, environment: {} };
  await db.transaction().execute(async (tx) => {
    await beginReportedRun(tx, {
      tenant: ask.tenant,
      id,
      kind: 'tracked',
      name: ask.name,
      request,
      createdBy: ask.user,
      now,
      startedAt: ask.startedAt ?? now,
    });
    await tx
      .insertInto('run_tracking')
      .values({ tenant_id: ask.tenant, run_id: id, experiment_id: idOf(ask.experiment), maker_run_id: ask.maker, created_at: now })
      .execute();
    await setRunLabels(tx, ask.tenant, id, ask.labels);
  });
  changes.publish({ tenant: ask.tenant, topic: 'run', id, change: 'created' });
  return id;
}

const idOf = (experiment: Experiment): string | null => (experiment.number === DEFAULT_EXPERIMENT ? null : experiment.id);

/**
 * Takes a reporter's word for the end of its run. A run that executes here ends when its job does, whatever is said of it,
 * and one that has ended stays as it ended: then this does nothing.
 */
export async function endTrackedRun(
  { db, clock, changes }: TrackingParts,
  tenant: TenantId,
  run: TrackableRun,
  end: { readonly to: 'succeeded' | 'failed' | 'cancelled'; readonly endedAt: Date | null },
): Promise<void> {
  if (run.attemptId !== null || run.state !== 'running') return;
  const at = clock.now();
  const failure = end.to === 'failed' ? { class: 'user-error' as const, words: runWords('client-reported-failure') } : null;
  const ended = await endReportedRun(db, { run: run.id, to: end.to, at, endedAt: end.endedAt ?? at, note: runWords('client-reported-end'), failure });
  if (ended) changes.publish({ tenant, topic: 'run', id: run.id, change: 'updated' });
}

/** Puts a run aside, or takes it back. It keeps everything; only deleting it as a run removes it. */
export async function hideRun(db: Database, tenant: TenantId, run: TrackableRun, hiddenAt: Date | null): Promise<void> {
  await sql`
    insert into run_tracking (tenant_id, run_id, created_at, hidden_at)
    select tenant_id, id, created_at, ${hiddenAt}::timestamptz from runs where tenant_id = ${tenant} and id = ${run.id}
    on conflict (run_id) do update set hidden_at = excluded.hidden_at`.execute(db);
}

/**
 * A job that names an experiment means its own run: code that says `set_experiment` before it logs is right about the run
 * it is. Only the first one counts; a run that is in an experiment stays there.
 */
export async function putRunIntoExperiment(db: Database, tenant: TenantId, run: RunId, experiment: Experiment): Promise<void> {
  if (experiment.number === DEFAULT_EXPERIMENT) return;
  await sql`
    insert into run_tracking (tenant_id, run_id, created_at, experiment_id)
    select tenant_id, id, created_at, ${experiment.id}::uuid from runs where tenant_id = ${tenant} and id = ${run}
    on conflict (run_id) do update set experiment_id = excluded.experiment_id where run_tracking.experiment_id is null`.execute(db);
}

/**
 * Ends what jobs began and left behind: once the run of a job has ended nobody reports for it any more. Level-triggered;
 * a crash in the middle leaves the rest for the next time.
 */
export async function endAbandonedRuns(parts: TrackingParts): Promise<void> {
  const left = await parts.db
    .selectFrom('run_tracking')
    .innerJoin('runs', 'runs.id', 'run_tracking.run_id')
    .innerJoin('runs as makers', 'makers.id', 'run_tracking.maker_run_id')
    .select(['runs.id', 'runs.tenant_id'])
    .where('runs.state', '=', 'running')
    .where('makers.state', 'in', ['succeeded', 'failed', 'cancelled'])
    .limit(1_000)
    .execute();
  for (const run of left) {
    const failure = { class: 'user-error' as const, words: runWords('maker-ended-first') };
    const at = parts.clock.now();
    const ended = await endReportedRun(parts.db, { run: run.id, to: 'failed', at, note: runWords('maker-has-ended'), failure });
    if (ended) parts.changes.publish({ tenant: run.tenant_id as TenantId, topic: 'run', id: run.id, change: 'updated' });
  }
}
