import { HOST_IMAGE, isEngineUnreachable, isStartRefused, type Executor, type LaunchSpec } from '#executors/executor.ts';
import { isDatabaseUnavailable, isDiskFull } from '#kit/db/database-errors.ts';
import type { ClaimedRun } from '#runs/claim-runs.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import { failureOf } from '#runs/judge-end.ts';
import { moveRun } from '#runs/move-run.ts';
import { collectPhases } from '#runs/record-phase.ts';
import { showLogToJob } from '#runs/run-logs.ts';
import type { Step } from '#runs/step-run.ts';
import type { AttemptId, RunId, TenantId } from '@sodate/contract/ids.ts';
import { runWords } from '@sodate/contract/run-words.ts';

/** Threads and processes of one job together. */
const PIDS_LIMIT = 4096;
const ENGINE_RETRY_MS = 2_000;

/**
 * Starts a placed run. Everything before the executor's `start` may be repeated; `start` itself is idempotent by attempt,
 * so dying between it and the row that records it only means that the next holder calls it again and gets the same one.
 */
export async function launchRun(parts: EngineParts, run: ClaimedRun, executor: Executor, signal: AbortSignal): Promise<Step> {
  const { db, clock, log } = parts;
  // This server may have been still for a while since it claimed: somebody else may have started, ended and removed it.
  if (run.lease_until === null || run.lease_until <= clock.now()) return { next: 'reload' };
  let handle: unknown;
  const phases = collectPhases(parts, run);
  try {
    if (run.stop_asked_at !== null && !(await mayHaveStarted(executor, run))) return await giveUp(parts, run);
    handle = await executor.start(await specOf(parts, run, executor), signal, phases.report);
  } catch (error) {
    if (isEngineUnreachable(error)) {
      log.warn({ err: error, run: run.id, executor: executor.id }, 'the engine cannot be reached; the start is tried again');
      return { next: 'wait', ms: ENGINE_RETRY_MS };
    }
    // Neither says anything about the run: the step is taken again, by the next server or by this one.
    if (signal.aborted) return { next: 'reload' };
    if (isDatabaseUnavailable(error)) throw error;
    return recordRefusal(parts, run, error);
  } finally {
    await phases.end();
  }
  showLogToJob(parts.folders, run);
  // An error from here on is the platform's alone: the job lives, and is found again by its id.
  const now = clock.now();
  const moved = await moveRun(db, {
    run: run.id,
    leaseToken: run.lease_token,
    to: 'running',
    at: now,
    note: runWords('started-on', { node: run.node_name }),
    set: { started_at: now },
    setAttempt: {
      handle: JSON.stringify(handle),
      started_at: now,
      phase: null,
      phase_progress: null,
      image_digest: executor.imageDigest?.(handle) ?? null,
    },
  });
  return moved
    ? { next: 'look-again', run: { ...run, ...moved, state: 'running', started_at: now, handle, phase: null, phase_progress: null } }
    : { next: 'reload' };
}

async function recordRefusal({ db, clock, log }: EngineParts, run: ClaimedRun, error: unknown): Promise<Step> {
  const failure = isStartRefused(error)
    ? failureOf({ how: 'refused', class: error.failureClass, words: error.words })
    : failureOf({ how: 'refused', class: 'platform', words: runWords(isDiskFull(error) ? 'platform-disk-full' : 'start-failed') });
  if (!isStartRefused(error)) log.error({ err: error, run: run.id }, 'a run could not be started');
  const moved = await moveRun(db, {
    run: run.id,
    leaseToken: run.lease_token,
    to: 'finishing',
    from: ['starting'],
    at: clock.now(),
    note: failure?.words ?? null,
    attemptFailure: failure,
    setAttempt: { ended_at: clock.now(), phase: 'collecting' },
  });
  return moved ? { next: 'look-again', run: { ...run, state: 'finishing' } } : { next: 'reload' };
}

/** The engine knows the attempt as one that is more than prepared, so it gets its grace like any other. */
async function mayHaveStarted(executor: Executor, run: ClaimedRun): Promise<boolean> {
  const left = (await executor.list()).find(({ attempt }) => attempt === run.attempt_id);
  return left !== undefined && (await executor.observe(left.handle)).state !== 'pending';
}

/** A stop was asked while it waited for its image or its files. What was prepared is removed with its end. */
async function giveUp({ db, clock }: EngineParts, run: ClaimedRun): Promise<Step> {
  const now = clock.now();
  const moved = await moveRun(db, {
    run: run.id,
    leaseToken: run.lease_token,
    to: 'finishing',
    from: ['starting'],
    at: now,
    note: runWords('stop-before-started'),
    setAttempt: { ended_at: now, phase: 'collecting', phase_progress: null },
  });
  return moved ? { next: 'look-again', run: { ...run, state: 'finishing' } } : { next: 'reload' };
}

async function specOf(parts: EngineParts, run: ClaimedRun, executor: Executor): Promise<LaunchSpec> {
  const kind = parts.kinds.find(({ name }) => name === run.kind);
  if (kind === undefined) throw new Error(`No kind of run is called ${run.kind}`);
  const attempt = run.attempt_id as AttemptId;
  const tenant = run.tenant_id as TenantId;
  const id = run.id as RunId;
  const stored = { tenant, id, number: run.number, name: run.name, request: kind.requestSchema.parse(run.request) };
  const job = kind.toJob(stored, { attempt, serverUrl: parts.serverUrl(executor), token: parts.attemptToken(attempt), version: parts.version, gpus: run.gpus });
  return {
    ...job,
    attempt,
    run: id,
    tenant,
    tenantNumber: run.tenant_number,
    name: `${run.kind}-${run.number}`,
    node: run.node_name,
    image: run.image,
    registryCredential: run.image === HOST_IMAGE ? null : await parts.registryCredential(tenant, run.image),
    limits: { cpuMilli: run.cpu_milli, memoryBytes: run.memory_bytes, pids: PIDS_LIMIT },
    capabilities: run.drop_capabilities ? 'none' : 'usual',
    gpus: run.gpus,
  };
}
