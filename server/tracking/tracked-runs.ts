import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { beginReportedRuns, endReportedRun, endReportedRuns } from '#runs/report-run.ts';
import { DEFAULT_EXPERIMENT, type Experiment } from '#tracking/experiment-store.ts';
import { insertionOfLabels, type Label } from '#tracking/run-label-store.ts';
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
  const [found] = await findTrackableRuns(db, tenant, [reference]);
  if (found === undefined || 'missing' in found) throw found?.missing ?? new Error('Nothing was answered');
  return found;
}

/** In the order of the references, in one statement; for each that `findTrackableRun` refuses, what it says. */
export async function findTrackableRuns(
  db: Database,
  tenant: TenantId,
  references: readonly string[],
): Promise<readonly (TrackableRun | { readonly missing: SodateError })[]> {
  const asked = references.map((reference) => RunId.safeParse(reference).data);
  const ids = [...new Set(asked.filter((id) => id !== undefined))];
  // Written out, since clients ask it with each point that they log. By the primary key, since no index serves `is not
  // distinct`: many begin with the tenant, and a plan that is kept from when there were few runs may go by any of them. The
  // limit has PostgreSQL expect few rows and keep its plan.
  const found = await sql<TrackableRow>`
    select r.id, r.kind, r.name, r.state, r.attempt_id, t.experiment_id, t.maker_run_id, t.hidden_at
    from (select * from unnest(${ids}::uuid[]) as a (id) limit ${ids.length}) as asked join runs r on r.id = asked.id
      left join run_tracking t on t.run_id = r.id
    where r.tenant_id is not distinct from ${tenant}`.execute(db);
  const byId = new Map(found.rows.map((row) => [row.id, toTrackableRun(row)]));
  return references.map((reference, at) => {
    const run = byId.get(asked[at]?.toLowerCase() ?? '');
    return run ?? { missing: new SodateError('not-found', { thing: 'run', reference: reference.slice(0, 100) }) };
  });
}

const toTrackableRun = (row: TrackableRow): TrackableRun => ({
  id: row.id as RunId,
  kind: row.kind,
  name: row.name,
  state: row.state as RunState,
  attemptId: row.attempt_id,
  experiment: row.experiment_id,
  maker: row.maker_run_id,
  hidden: row.hidden_at !== null,
});

/** A run that begins outside of the platform. */
export interface TrackedBegin {
  readonly user: UserId;
  readonly experiment: Experiment;
  readonly name: string;
  readonly startedAt: Date | null;
  readonly labels: readonly Label[];
  /** What its reporter says it runs. */
  readonly command: string;
  /** The run whose job begins this one. */
  readonly maker: RunId | null;
}

export interface BegunRun {
  readonly id: RunId;
  readonly createdAt: Date;
  readonly startedAt: Date;
}

/**
 * Begins runs outside of the platform, in the order of what is asked. All of it is stored, or nothing.
 * @throws SodateError `wrong-state` for an experiment that is put aside
 */
export async function beginTrackedRuns({ db, clock, changes }: TrackingParts, tenant: TenantId, asks: readonly TrackedBegin[]): Promise<readonly BegunRun[]> {
  for (const { experiment } of asks) checkExperiment(experiment);
  const now = clock.now();
  const begun = asks.map((ask) => ({ ...ask, id: newId<RunId>(), startedAt: ask.startedAt ?? now }));
  const tracking = sql`
    insert into run_tracking (tenant_id, run_id, experiment_id, maker_run_id, created_at)
    select ${tenant}, u.*, ${now}::timestamptz from unnest(${begun.map(({ id }) => id)}::uuid[],
      ${begun.map(({ experiment }) => idOf(experiment))}::uuid[], ${begun.map(({ maker }) => maker)}::uuid[]) u`;
  const labels = begun.flatMap((run) => run.labels.map((label) => ({ run: run.id, ...label })));
  await beginReportedRuns(
    db,
    'tracked',
    begun.map(({ id, name, user, startedAt, command }) => {
      const request: StoredTracked = { command, environment: {} };
      return { tenant, id, name, request, createdBy: user, now, startedAt };
    }),
    labels.length === 0 ? [tracking] : [tracking, insertionOfLabels(tenant, labels)],
  );
  for (const { id } of begun) changes.publish({ tenant, topic: 'run', id, change: 'created' });
  return begun.map(({ id, startedAt }) => ({ id, createdAt: now, startedAt }));
}

/** @throws SodateError `wrong-state` for one that is put aside */
function checkExperiment(experiment: Experiment): void {
  if (experiment.deleted_at === null) return;
  throw new SodateError('wrong-state', { thing: 'Experiment', reference: experiment.name, state: 'deleted', needed: 'one that is not; restore it first' });
}

const idOf = (experiment: Experiment): string | null => (experiment.number === DEFAULT_EXPERIMENT ? null : experiment.id);

export interface TrackedEnd {
  readonly run: TrackableRun;
  readonly to: 'succeeded' | 'failed' | 'cancelled';
  readonly endedAt: Date | null;
}

/**
 * Takes reporters' words for the ends of their runs. A run that executes here ends when its job does, whatever is said of it,
 * and one that has ended stays as it ended: for those this does nothing.
 */
export async function endTrackedRuns({ db, clock, changes }: TrackingParts, tenant: TenantId, ends: readonly TrackedEnd[]): Promise<void> {
  // Said twice at the same time, the first word counts.
  const first = new Map(ends.toReversed().map((end) => [end.run.id, end]));
  const open = [...first.values()].filter(({ run }) => run.attemptId === null && run.state === 'running');
  if (open.length === 0) return;
  const at = clock.now();
  const ended = await endReportedRuns(
    db,
    open.map(({ run, to, endedAt }) => ({
      run: run.id,
      to,
      at,
      endedAt: endedAt ?? at,
      note: runWords('client-reported-end'),
      failure: to === 'failed' ? { class: 'user-error' as const, words: runWords('client-reported-failure') } : null,
    })),
  );
  for (const id of ended) changes.publish({ tenant, topic: 'run', id, change: 'updated' });
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
