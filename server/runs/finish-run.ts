import { type Executor, isEngineUnreachable } from '#executors/executor.ts';
import { type ClaimedRun, readClaimed } from '#runs/claim-runs.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import { type EndVerdict, judgeEnd } from '#runs/judge-end.ts';
import { moveRun } from '#runs/move-run.ts';
import { readFailure } from '#runs/run-failure.ts';
import { hasLeftNothing, makeOutputReader } from '#runs/run-outputs.ts';
import type { Step } from '#runs/step-run.ts';
import type { AttemptId, RunId, TenantId } from '@sodate/contract/ids.ts';

const OUTPUT_VALUE_CHARACTERS = 10_000;
const ENGINE_RETRY_MS = 2_000;

/**
 * The end of a run: the kind's own work, then the rest of its log, then the attempt is removed from its engine, then the end is recorded and what
 * it held is free. In this order, each step repeatable: dying between any two only means that the next holder does them
 * again. What an attempt held is given away only when its engine has confirmed that nothing of it is left.
 */
export async function finishRun(parts: EngineParts, claimed: ClaimedRun, executor: Executor, upToDate: boolean): Promise<Step> {
  const { db, clock } = parts;
  // What is written below is guarded by the claim in any case; this only keeps what is read from being old.
  const run = upToDate ? claimed : await readClaimed(db, claimed);
  if (run === null || run.state !== 'finishing') return { next: 'let-go' };
  const verdict = judgeEnd(readFailure(run), run.stop_reason, run.retries);
  const outputValue = verdict.state === 'queued' ? null : await kindsEnd(parts, run, verdict);
  const file = parts.folders.logFile(run.id as RunId, run.attempt_id as AttemptId);
  if (run.handle !== null && !(await parts.logFollowers.complete(run.attempt_id, executor, run.handle, file))) return { next: 'let-go' };
  try {
    await removeAttempt(executor, run);
  } catch (error) {
    if (!isEngineUnreachable(error)) throw error;
    parts.log.warn({ err: error, run: run.id, executor: executor.id }, 'the engine cannot be reached; the end of the run waits for it');
    return { next: 'wait', ms: ENGINE_RETRY_MS };
  }
  const now = clock.now();
  const moved = await moveRun(db, {
    run: run.id,
    leaseToken: run.lease_token,
    to: verdict.state,
    from: ['finishing'],
    at: now,
    note: verdict.failure?.words ?? null,
    failure: verdict.failure,
    set: { ...changesFor(parts, run, verdict, now), output_value: outputValue },
    setAttempt: { released_at: now, phase: null, phase_progress: null },
    freesGpus: run.gpus.length > 0,
    // What was to be tried again is not, when a stop has been asked meanwhile: it is judged again.
    unlessStopAsked: verdict.state === 'queued',
  });
  return moved ? { next: 'ended', queuedAgain: verdict.state === 'queued' } : { next: 'reload' };
}

function changesFor(parts: EngineParts, run: ClaimedRun, verdict: EndVerdict, now: Date) {
  if (verdict.state !== 'queued') {
    // Otherwise whoever writes manifests and reads metrics looks there, and writes down that it has: for nothing, twice a run.
    const lookedAt = hasLeftNothing(parts.folders.output(run.id as RunId)) ? { manifest_at: now, metrics_read_at: now } : {};
    return { lease_until: null, ...lookedAt, exit_code: run.exit_code, ended_at: now };
  }
  const tries = (run.retries[verdict.failure?.class ?? ''] ?? 0) + 1;
  return {
    lease_until: null,
    retries: JSON.stringify({ ...run.retries, [verdict.failure?.class ?? 'platform']: tries }),
    started_at: null,
    due_at: new Date(now.getTime() + parts.limits.retryDelayMs * 2 ** (tries - 1)),
  };
}

async function kindsEnd(parts: EngineParts, run: ClaimedRun, verdict: EndVerdict): Promise<string | null> {
  const kind = parts.kinds.find(({ name }) => name === run.kind);
  if (kind === undefined) return null;
  const request = kind.requestSchema.safeParse(run.request);
  // A request that this version cannot read must not keep its run from ending.
  if (!request.success) return null;
  const id = run.id as RunId;
  const stored = { tenant: run.tenant_id as TenantId, id, number: run.number, name: run.name, request: request.data };
  const finished = await kind.finish(stored, { succeeded: verdict.state === 'succeeded' }, makeOutputReader(parts.folders.output(id)));
  return finished.outputValue?.slice(0, OUTPUT_VALUE_CHARACTERS) ?? null;
}

/** An attempt whose start was never recorded may still exist in the engine: then it is found there. */
async function removeAttempt(executor: Executor, run: ClaimedRun): Promise<void> {
  if (run.handle !== null) return executor.remove(executor.handleSchema.parse(run.handle));
  const attempt = run.attempt_id as AttemptId;
  const left = (await executor.list()).find((listed) => listed.attempt === attempt);
  if (left) await executor.remove(left.handle);
}
