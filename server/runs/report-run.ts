import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { type Move, moveRun } from '#runs/move-run.ts';
import type { RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { RunKindName, RunState } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';
import { runText, runWords } from '@sodate/contract/run-words.ts';

/** A run that goes on outside of the platform, and only reports to it. */
export interface ReportedRun {
  readonly tenant: TenantId;
  readonly id: RunId;
  readonly kind: RunKindName;
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
 * Makes the row of a run that is already running. It has no attempt, so it occupies nothing and counts in no quota; its
 * end is what its reporter says (`endReportedRun`), or a stop.
 */
export async function beginReportedRun(tx: DatabaseTransaction, run: ReportedRun): Promise<{ readonly number: number }> {
  const { rows } = await sql<{ readonly number: number }>`
    with made as (
      insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape,
        retries, created_by, created_at, queued_at, started_at, due_at)
      values (${run.tenant}, ${run.id}, ${run.kind}, nextval(${`number_${run.kind}`}::regclass), ${run.name}, '', '{}', 'running',
        ${JSON.stringify(run.request)}, '[]', '', 0, 0, 0, 0, '', '{}', ${run.createdBy}, ${run.now}, ${run.now}, ${run.startedAt}, ${NEVER_DUE})
      returning tenant_id, id, number
    ), noted as (
      insert into run_timeline (tenant_id, run_id, at, state, attempt, note, words)
      select tenant_id, id, ${run.now}::timestamptz, 'running', 0, ${runText(BEGUN)}::text, ${JSON.stringify(BEGUN)}::jsonb from made
    )
    select number from made`.execute(tx);
  const [made] = rows;
  if (made === undefined) throw new Error(`Run ${run.id} was not stored`);
  return made;
}

/**
 * Ends a run that has no attempt, by the same moves as any other: in one transaction, since there is no work between them.
 * @returns false when it is not running any more, or something of it runs here; then nothing has changed
 */
export async function endReportedRun(
  db: Database,
  end: Pick<Move, 'run' | 'at' | 'note' | 'set' | 'failure'> & {
    readonly to: Extract<RunState, 'succeeded' | 'failed' | 'cancelled'>;
    readonly endedAt?: Date;
  },
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    // Holds the row, so that no attempt can come to it before the moves.
    const row = await tx.selectFrom('runs').select('attempt_id').where('id', '=', end.run).where('state', '=', 'running').forUpdate().executeTakeFirst();
    if (row === undefined || row.attempt_id !== null) return false;
    const move = { run: end.run, leaseToken: null, at: end.at, note: end.note };
    await moveRun(tx, { ...move, to: 'finishing', from: ['running'] });
    await moveRun(tx, {
      ...move,
      to: end.to,
      from: ['finishing'],
      ...(end.failure === undefined ? {} : { failure: end.failure }),
      set: { ...end.set, ended_at: end.endedAt ?? end.at },
    });
    return true;
  });
}
