import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { FoundRun } from '#runs/find-run.ts';
import { moveRun } from '#runs/move-run.ts';
import { endReportedRun } from '#runs/report-run.ts';
import { runWords } from '@sodate/contract/run-words.ts';

/**
 * Asks a run to end. One that waits is cancelled at once; one that runs is terminated, and killed when the grace is over;
 * one that is just being started gets the wish written down and is stopped as soon as it has started; one whose attempt
 * has failed is not tried again. Asking again changes nothing, and what has ended stays as it is, with what has succeeded
 * and only has its outputs collected. One that goes on outside of the platform is no longer waited for: nothing here can
 * end it, and what it still reports is kept. The three statements each check the state they act on, so a run that changes between
 * them is met by the next.
 */
export async function stopRun(db: Database, clock: Clock, run: FoundRun, graceSeconds: number): Promise<void> {
  const now = clock.now();
  const asked = { stop_asked_at: now, stop_grace_seconds: graceSeconds, stop_reason: 'asked' as const };
  const cancelled = await moveRun(db, {
    run: run.id,
    leaseToken: null,
    to: 'cancelled',
    from: ['queued'],
    at: now,
    note: runWords('stop-before-placed'),
    failure: null,
    set: { ...asked, ended_at: now },
  });
  if (cancelled) return;
  if (run.attemptId === null && (await endReportedRun(db, { run: run.id, to: 'cancelled', at: now, note: runWords('stop-asked'), set: asked }))) return;
  const stopping = await moveRun(db, { run: run.id, leaseToken: null, to: 'stopping', from: ['running'], at: now, note: runWords('stop-asked'), set: asked });
  if (stopping) return;
  await db
    .updateTable('runs')
    .set(asked)
    .where('id', '=', run.id)
    .where('stop_asked_at', 'is', null)
    .where((where) =>
      where.or([
        where('state', 'in', ['starting', 'running']),
        where.and([
          where('state', '=', 'finishing'),
          where.exists(
            where.selectFrom('attempts').select('attempts.id').whereRef('attempts.id', '=', 'runs.attempt_id').where('attempts.failure_class', 'is not', null),
          ),
        ]),
      ]),
    )
    .execute();
}
