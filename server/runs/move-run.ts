import type { ClaimedRun } from '#runs/claim-runs.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { DB } from '#kit/db/tables.ts';
import { statesBefore } from '#runs/run-states.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { sql, type Updateable } from 'kysely';

export interface Move {
  readonly run: string;
  /** The claim under which this is done; null for what a person asks, which needs none. */
  readonly leaseToken: number | null;
  readonly to: RunState;
  /** Narrows the states of RUN_MOVES from which this very move may start. */
  readonly from?: readonly RunState[];
  readonly at: Date;
  /** For the timeline. */
  readonly note: string;
  readonly set?: Updateable<DB['runs']>;
  /** Changes to the present attempt, in the same statement. */
  readonly setAttempt?: Updateable<DB['attempts']>;
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
  const query = db
    .with('moved', (with_) =>
      with_
        .updateTable('runs')
        .set({ ...move.set, state: move.to })
        .where('id', '=', move.run)
        .where('state', 'in', from)
        .$if(move.unlessStopAsked === true, (update) => update.where('stop_asked_at', 'is', null))
        .$if(move.leaseToken !== null, (update) => update.where('lease_token', '=', move.leaseToken))
        .returning(['tenant_id', 'id', 'attempt', 'attempt_id', 'stop_reason', 'stop_asked_at', 'stop_grace_seconds']),
    )
    .with('noted', (with_) =>
      with_
        .insertInto('run_timeline')
        .columns(['tenant_id', 'run_id', 'at', 'state', 'attempt', 'note'])
        .expression((builder) =>
          builder
            .selectFrom('moved')
            .select([
              'tenant_id',
              'id',
              sql<Date>`${move.at}::timestamptz`.as('at'),
              sql<string>`${move.to}::text`.as('state'),
              'attempt',
              sql<string>`${move.note}::text`.as('note'),
            ]),
        )
        .returning('seq'),
    );
  const { setAttempt } = move;
  const withAttempt =
    setAttempt === undefined
      ? query
      : query.with('attempt_changed', (with_) =>
          with_.updateTable('attempts').from('moved').set(setAttempt).whereRef('attempts.id', '=', 'moved.attempt_id').returning('attempts.id'),
        );
  const withGpus = move.freesGpus
    ? withAttempt.with('gpus_freed', (with_) =>
        with_.deleteFrom('gpu_allocations').using('moved').whereRef('gpu_allocations.attempt_id', '=', 'moved.attempt_id').returning('gpu_allocations.gpu'),
      )
    : withAttempt;
  const moved = await withGpus.selectFrom('moved').select(['stop_reason', 'stop_asked_at', 'stop_grace_seconds']).executeTakeFirst();
  return moved === undefined ? null : { ...moved, stop_reason: moved.stop_reason as MovedRun['stop_reason'] };
}
