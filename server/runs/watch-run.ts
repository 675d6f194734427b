import { isEngineUnreachable, type Executor, type Exit, type Observation } from '#executors/executor.ts';
import type { ClaimedRun } from '#runs/claim-runs.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import { type AttemptEnd, failureOf } from '#runs/judge-end.ts';
import { moveRun } from '#runs/move-run.ts';
import { failureRow } from '#runs/run-failure.ts';
import { recordPhase } from '#runs/record-phase.ts';
import type { Step } from '#runs/step-run.ts';
import type { AttemptId, RunId } from '@sodate/contract/ids.ts';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

const TIME_LIMIT_GRACE_SECONDS = 10;
const ENGINE_RETRY_MS = 2_000;

/**
 * Looks after a run that has started: what became of it, whether its time is over, whether it was asked to stop and how
 * hard. Everything it does may be done again.
 */
export async function watchRun(parts: EngineParts, run: ClaimedRun, executor: Executor): Promise<Step> {
  const handle = executor.handleSchema.parse(run.handle);
  parts.logFollowers.follow(run.attempt_id, executor, handle, parts.folders.logFile(run.id as RunId, run.attempt_id as AttemptId));
  let seen: Observation;
  try {
    seen = await executor.observe(handle);
    if (seen.state === 'exited') return await recordEnd(parts, run, { how: 'exited', exit: seen.exit });
    if (seen.state === 'gone') return await recordEnd(parts, run, { how: 'lost', reason: seen.reason });
    if (run.state === 'stopping') return await pressStop(parts, run, executor, handle);
  } catch (error) {
    if (!isEngineUnreachable(error)) throw error;
    parts.log.warn({ err: error, run: run.id, executor: executor.id }, 'the engine cannot be reached; the run stays as it is');
    return { next: 'wait', ms: ENGINE_RETRY_MS };
  }
  if (run.stop_asked_at !== null) return toStopping(parts, run, {}, runWords('stop-asked'));
  if (isOverTime(run, parts.clock.now())) {
    const limit = { stop_asked_at: parts.clock.now(), stop_grace_seconds: TIME_LIMIT_GRACE_SECONDS, stop_reason: 'time-limit' as const };
    return toStopping(parts, run, limit, runWords('time-limit-over', { seconds: run.time_limit_seconds ?? 0 }));
  }
  const phase = seen.state === 'pending' ? { phase: seen.phase, ...(seen.progress === undefined ? {} : { progress: seen.progress }) } : null;
  if ((phase?.phase ?? null) !== run.phase || (phase?.progress ?? null) !== run.phase_progress) await recordPhase(parts, run, phase);
  return { next: 'wait', ms: untilDue(parts, run) };
}

const isOverTime = (run: ClaimedRun, now: Date): boolean =>
  run.time_limit_seconds !== null && run.started_at !== null && now.getTime() - run.started_at.getTime() >= run.time_limit_seconds * 1000;

/** A time limit that ends before the next regular look is looked at when it ends. */
function untilDue(parts: EngineParts, run: ClaimedRun): number {
  if (run.time_limit_seconds === null || run.started_at === null) return parts.limits.watchEveryMs;
  const left = run.started_at.getTime() + run.time_limit_seconds * 1000 - parts.clock.now().getTime();
  return Math.max(1, Math.min(parts.limits.watchEveryMs, left));
}

async function toStopping(
  parts: EngineParts,
  run: ClaimedRun,
  set: { readonly stop_asked_at?: Date; readonly stop_grace_seconds?: number; readonly stop_reason?: 'time-limit' },
  note: RunWords,
): Promise<Step> {
  const moved = await moveRun(parts.db, {
    run: run.id,
    leaseToken: run.lease_token,
    to: 'stopping',
    from: ['running'],
    at: parts.clock.now(),
    note,
    set,
    // A person may have asked since the run was read: then that is why it ends, and not the time limit.
    unlessStopAsked: set.stop_reason === 'time-limit',
  });
  return moved ? { next: 'look-again', run: { ...run, ...moved, state: 'stopping' } } : { next: 'reload' };
}

/**
 * Terminate once, and kill when the grace is over. A job may be told twice when the server dies before it has written that
 * down. The grace counts from then, and not from when somebody asked: the server may have been away in between.
 */
async function pressStop<Handle>(parts: EngineParts, run: ClaimedRun, executor: Executor<Handle>, handle: Handle): Promise<Step> {
  const { db, clock, limits } = parts;
  const graceMs = (run.stop_grace_seconds ?? 0) * 1000;
  if (run.terminated_at === null && graceMs > 0) {
    await executor.stop(handle, 'terminate');
    const now = clock.now();
    await db.updateTable('attempts').set({ terminated_at: now }).where('id', '=', run.attempt_id).execute();
    return { next: 'look-again', run: { ...run, terminated_at: now } };
  }
  const left = (run.terminated_at?.getTime() ?? 0) + graceMs - clock.now().getTime();
  if (left > 0) return { next: 'wait', ms: Math.min(left, limits.watchEveryMs) };
  await executor.stop(handle, 'kill');
  return { next: 'wait', ms: limits.watchEveryMs };
}

async function recordEnd(parts: EngineParts, run: ClaimedRun, end: AttemptEnd): Promise<Step> {
  const failure = failureOf(end);
  const exit = end.how === 'exited' ? end.exit : null;
  const now = parts.clock.now();
  const ended = {
    exit_code: exit?.code ?? null,
    signal: exit?.signal ?? null,
    ended_at: exit?.endedAt ?? now,
    phase: 'collecting',
    phase_progress: null,
  };
  const moved = await moveRun(parts.db, {
    run: run.id,
    leaseToken: run.lease_token,
    to: 'finishing',
    at: now,
    note: howItEnded(exit) ?? failure?.words ?? null,
    attemptFailure: failure,
    setAttempt: ended,
  });
  if (!moved) return { next: 'reload' };
  return { next: 'look-again', upToDate: true, run: { ...run, ...moved, ...failureRow(failure), exit_code: ended.exit_code, state: 'finishing' } };
}

/** Null where nobody knows: then why it failed is all there is to say. */
function howItEnded(exit: Exit | null): RunWords | null {
  if (exit?.signal != null) return runWords('exit-signal', { signal: exit.signal });
  return exit?.code == null ? null : runWords('exit-code', { exitCode: exit.code });
}
