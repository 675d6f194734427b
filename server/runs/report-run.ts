import type { Database } from '#kit/db/open-database.ts';
import { type Move, moveRun } from '#runs/move-run.ts';
import type { RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { RunKindName, RunState } from '@sodate/contract/runs.ts';
import { type RawBuilder, sql } from 'kysely';
import { runText, runWords } from '@sodate/contract/run-words.ts';

/** A run that goes on outside of the platform, and only reports to it. */
export interface ReportedRun {
  readonly tenant: TenantId;
  readonly id: RunId;
  readonly name: string;
  readonly request: object;
  readonly createdBy: UserId;
  readonly now: Date;
  /** As its reporter says; may lie before or after `now`. */
  readonly startedAt: Date;
}

/** No reconciler looks at it: there is nothing of it that this platform could watch, and never will be. */
const NEVER_DUE = new Date(Date.UTC(9999, 0));

const BEGUN = runWords('begun-outside');

/**
 * Makes the rows of runs that are already running. They have no attempts, so they occupy nothing and count in no quota; the
 * end of each is what its reporter says (`endReportedRuns`), or a stop.
 * @param along insertions of what belongs to them, for the same statement: all of it is stored, or nothing
 */
export async function beginReportedRuns(db: Database, kind: RunKindName, runs: readonly ReportedRun[], along: readonly RawBuilder<unknown>[]): Promise<void> {
  await sql`
    with made as (
      insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape,
        retries, created_by, created_at, queued_at, started_at, due_at)
      select u.tenant_id, u.id, ${kind}, nextval(${`number_${kind}`}::regclass), u.name, '', '{}', 'running', u.request, '[]', '', 0, 0, 0, 0, '', '{}',
        u.created_by, u.now, u.now, u.started_at, ${NEVER_DUE}
      from unnest(${runs.map(({ tenant }) => tenant)}::uuid[], ${runs.map(({ id }) => id)}::uuid[], ${runs.map(({ name }) => name)}::text[],
        ${runs.map(({ request }) => JSON.stringify(request))}::jsonb[], ${runs.map(({ createdBy }) => createdBy)}::uuid[],
        ${runs.map(({ now }) => now)}::timestamptz[], ${runs.map(({ startedAt }) => startedAt)}::timestamptz[])
        as u (tenant_id, id, name, request, created_by, now, started_at)
      returning tenant_id, id, created_at
    ) ${sql.join(
      along.map((insertion, at) => sql`, ${sql.ref(`along_${at}`)} as (${insertion})`),
      sql``,
    )}
    insert into run_timeline (tenant_id, run_id, at, state, attempt, note, words)
    select tenant_id, id, created_at, 'running', 0, ${runText(BEGUN)}, ${JSON.stringify(BEGUN)}::jsonb from made`.execute(db);
}

/** What is said of the end of a run. */
export type ReportedEnd = Pick<Move, 'run' | 'at' | 'note' | 'set' | 'failure'> & {
  readonly to: Extract<RunState, 'succeeded' | 'failed' | 'cancelled'>;
  readonly endedAt?: Date;
};

/**
 * As `endReportedRuns`, for one.
 * @returns false when it is not running any more, or something of it runs here; then nothing has changed
 */
export const endReportedRun = async (db: Database, end: ReportedEnd): Promise<boolean> => (await endReportedRuns(db, [end])).size > 0;

/**
 * Ends runs that have no attempt, by the same moves as any other: in one transaction, since there is no work between them.
 * @returns those that have ended. The others are not running any more, or something of them runs here; nothing of them has changed
 */
export async function endReportedRuns(db: Database, ends: readonly ReportedEnd[]): Promise<ReadonlySet<string>> {
  return db.transaction().execute(async (tx) => {
    // Holds the rows, so that no attempt can come to them before the moves; in one order, so that nobody waits in a circle.
    const { rows } = await sql<{ id: string }>`
      select id from runs where id = any(${ends.map(({ run }) => run)}::uuid[]) and state = 'running' and attempt_id is null
      order by id for update`.execute(tx);
    const held = new Set(rows.map(({ id }) => id));
    for (const end of ends.filter(({ run }) => held.has(run))) {
      const move = { run: end.run, leaseToken: null, at: end.at, note: end.note };
      await moveRun(tx, { ...move, to: 'finishing', from: ['running'] });
      await moveRun(tx, {
        ...move,
        to: end.to,
        from: ['finishing'],
        ...(end.failure === undefined ? {} : { failure: end.failure }),
        set: { ...end.set, ended_at: end.endedAt ?? end.at },
      });
    }
    return held;
  });
}
