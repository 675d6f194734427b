import type { ClaimedRun } from '#runs/claim-runs.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { DB } from '#kit/db/tables.ts';
import { type FailureColumn, failureRow, type RunFailure } from '#runs/run-failure.ts';
import { statesBefore } from '#runs/run-states.ts';
import { runText, type RunWords } from '@sodate/contract/run-words.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { type RawBuilder, sql, type Updateable } from 'kysely';

export interface Move {
  readonly run: string;
  /** The claim under which this is done; null for what a person asks, which needs none. */
  readonly leaseToken: number | null;
  readonly to: RunState;
  /** Narrows the states of RUN_MOVES from which this very move may start. */
  readonly from?: readonly RunState[];
  readonly at: Date;
  /** For the timeline; null where the state says it all. */
  readonly note: RunWords | null;
  readonly set?: Omit<Updateable<DB['runs']>, FailureColumn>;
  /** Why the run failed; null takes away what an earlier attempt left. */
  readonly failure?: RunFailure | null;
  /** Changes to the present attempt, in the same statement. */
  readonly setAttempt?: Omit<Updateable<DB['attempts']>, FailureColumn>;
  readonly attemptFailure?: RunFailure | null;
  /** The move is not made when somebody has asked for a stop. */
  readonly unlessStopAsked?: boolean;
  /** The attempt is proved gone: its GPUs are free again. */
  readonly freesGpus?: boolean;
}

/** What others may have written into the run by the time of the move. */
export type MovedRun = Pick<ClaimedRun, 'stop_reason' | 'stop_asked_at' | 'stop_grace_seconds'>;

/**
 * The only way a run changes state: one statement that checks the table of moves and the claim, writes run, attempt and
 * timeline, and is durable when it returns. It either does all of that or nothing.
 * @returns null when the run is no longer in a state from which this is legal, or the claim is lost, or `unlessStopAsked`
 *   holds it back; then nothing was written, and whoever holds the claim now goes on
 */
export async function moveRun(db: Database, move: Move): Promise<MovedRun | null> {
  const legal = statesBefore(move.to);
  const from = move.from ?? legal;
  if (from.some((state) => !legal.includes(state))) throw new Error(`No move leads from ${from.join(' or ')} to ${move.to}`);
  const set = { ...move.set, ...(move.failure === undefined ? {} : failureRow(move.failure)) };
  const setAttempt = { ...move.setAttempt, ...(move.attemptFailure === undefined ? {} : failureRow(move.attemptFailure)) };
  const attemptChanges = assignments(setAttempt);
  // Written out: the query builder takes ten times as long for it, 0.2 ms, and every run makes three moves.
  const { rows } = await sql<Omit<MovedRun, 'stop_reason'> & { readonly stop_reason: string | null }>`
    with moved as (
      update runs set ${sql.join(assignments({ ...set, state: move.to }))}
      where id = ${move.run} and state in (${sql.join(from)})
        ${move.unlessStopAsked === true ? sql`and stop_asked_at is null` : sql``} ${move.leaseToken === null ? sql`` : sql`and lease_token = ${move.leaseToken}`}
      returning tenant_id, id, attempt, attempt_id, stop_reason, stop_asked_at, stop_grace_seconds
    ), noted as (
      insert into run_timeline (tenant_id, run_id, at, state, attempt, note, words)
      select tenant_id, id, ${move.at}::timestamptz, ${move.to}::text, attempt, ${noteText(move.note)}::text, ${wordsColumn(move.note)}::jsonb from moved
    )
    ${attemptChanges.length === 0 ? sql`` : sql`, attempt_changed as (update attempts set ${sql.join(attemptChanges)} from moved where attempts.id = moved.attempt_id)`}
    ${move.freesGpus === true ? sql`, gpus_freed as (delete from gpu_allocations using moved where gpu_allocations.attempt_id = moved.attempt_id)` : sql``}
    select stop_reason, stop_asked_at, stop_grace_seconds from moved`.execute(db);
  const [moved] = rows;
  return moved === undefined ? null : { ...moved, stop_reason: moved.stop_reason as MovedRun['stop_reason'] };
}

/** For `set`: columns by name, with their new values as parameters. */
function assignments(changes: object): readonly RawBuilder<unknown>[] {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  return changed.map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
}

const noteText = (note: RunWords | null): string => (note === null ? '' : runText(note));
const wordsColumn = (note: RunWords | null): string | null => (note === null ? null : JSON.stringify(note));
