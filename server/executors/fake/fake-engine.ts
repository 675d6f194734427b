import type { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import { EngineUnreachable, type Exit, type InventoryNode, type LaunchSpec, type Observation, type StopOrder } from '../executor.ts';
import { type FakeScript, scriptFromEnvironment } from './fake-script.ts';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

/**
 * The state of a fake engine: what would live in dockerd or the kernel. It outlives the executor objects opened on it, so
 * that a simulation can crash a server and open a new executor on the same engine.
 *
 * Everything is a function of its clock: a job's state is computed from the time when asked, never from timers, which
 * only give hints.
 */
export interface FakeEngine {
  /** While false every port call throws EngineUnreachable; jobs go on. */
  reachable: boolean;
  /** What `inventory` answers; a simulation may change it at any time. */
  nodes: readonly InventoryNode[];
  /** How often a job of this attempt ever came to life. More than 1 is a broken promise of whoever removed it. */
  timesStarted(attempt: AttemptId): number;
  /** Attempts alive now, in the order of their starts: for checks such as "no GPU is used twice". */
  live(): readonly LaunchSpec[];
  /** Everything the engine knows in any state. */
  known(platform: string): readonly AttemptId[];
  /** The job disappears without an exit code, as when its machine loses power. */
  vanish(attempt: AttemptId, reason?: RunWords): void;
  /** The job ends now, as if by itself. */
  finish(attempt: AttemptId, end: { readonly code: number } | { readonly signal: string }): void;

  /** The rest is for the executor. */
  assertReachable(): void;
  scriptOf(spec: LaunchSpec): FakeScript;
  has(platform: string, attempt: AttemptId): boolean;
  create(platform: string, spec: LaunchSpec, script: FakeScript): void;
  observe(platform: string, attempt: AttemptId): Observation;
  stop(platform: string, attempt: AttemptId, order: StopOrder): void;
  delete(platform: string, attempt: AttemptId): void;
  subscribe(listener: (attempt: AttemptId) => void): () => void;
}

export interface FakeEngineOptions {
  readonly clock: Clock;
  readonly nodes: readonly InventoryNode[];
  /** Decides what a job does where its environment does not. Parts that are left out come from the environment. */
  readonly script?: (spec: LaunchSpec) => Partial<FakeScript>;
}

type End = { readonly kind: 'exit'; readonly code: number | null; readonly signal: string | null } | { readonly kind: 'vanish'; readonly reason: RunWords };

interface FakeJob {
  readonly platform: string;
  readonly spec: LaunchSpec;
  readonly script: FakeScript;
  readonly createdMs: number;
  /** Known in advance, and moved forward by stop. Infinity = never by itself. */
  endMs: number;
  end: End;
}

export function makeFakeEngine({ clock, nodes, script }: FakeEngineOptions): FakeEngine {
  const jobs = new Map<AttemptId, FakeJob>();
  const starts = new Map<AttemptId, number>();
  const listeners = new Set<(attempt: AttemptId) => void>();
  const nowMs = (): number => clock.now().getTime();
  const hint = (attempt: AttemptId): void => {
    for (const listener of listeners) listener(attempt);
  };
  const jobOf = (platform: string, attempt: AttemptId): FakeJob | undefined => {
    const job = jobs.get(attempt);
    return job?.platform === platform ? job : undefined;
  };

  const endAt = (attempt: AttemptId, job: FakeJob, endMs: number, end: End): void => {
    // A later end never replaces an earlier one: what has ended stays ended, in the way it ended.
    if (endMs >= job.endMs) return;
    job.endMs = endMs;
    job.end = end;
    scheduleHint(attempt, job);
  };

  const scheduleHint = (attempt: AttemptId, job: FakeJob): void => {
    const { endMs } = job;
    if (endMs === Number.POSITIVE_INFINITY) return;
    void clock.sleep(Math.max(0, endMs - nowMs())).then(() => {
      if (jobs.get(attempt) === job && job.endMs === endMs) hint(attempt);
    });
  };

  const exitOf = (job: FakeJob, end: Extract<End, { kind: 'exit' }>): Exit => {
    const runsFromMs = job.createdMs + job.script.pendingMs;
    return {
      code: end.code,
      signal: end.signal,
      failure: job.script.failure === null ? null : { class: job.script.failure, words: runWords('fake-says', { failure: job.script.failure }) },
      startedAt: job.endMs < runsFromMs ? null : new Date(runsFromMs),
      endedAt: new Date(job.endMs),
    };
  };

  const engine: FakeEngine = {
    reachable: true,
    nodes,
    timesStarted: (attempt) => starts.get(attempt) ?? 0,
    live: () => [...jobs.values()].filter((job) => nowMs() < job.endMs).map((job) => job.spec),
    known: (platform) => [...jobs].filter(([, job]) => job.platform === platform).map(([attempt]) => attempt),
    vanish(attempt, reason = runWords('fake-lost')) {
      const job = jobs.get(attempt);
      if (job) endAt(attempt, job, nowMs(), { kind: 'vanish', reason });
    },
    finish(attempt, end) {
      const job = jobs.get(attempt);
      if (job) endAt(attempt, job, nowMs(), { kind: 'exit', code: null, signal: null, ...end });
    },
    assertReachable() {
      if (!engine.reachable) throw new EngineUnreachable('The fake engine does not answer.');
    },
    scriptOf: (spec) => ({ ...scriptFromEnvironment(spec), ...script?.(spec) }),
    has: (platform, attempt) => jobOf(platform, attempt) !== undefined,
    create(platform, spec, plan) {
      const { attempt } = spec;
      const createdMs = nowMs();
      const job: FakeJob = {
        platform,
        spec,
        script: plan,
        createdMs,
        endMs: plan.runMs === null ? Number.POSITIVE_INFINITY : createdMs + plan.pendingMs + plan.runMs,
        end: plan.vanishes
          ? { kind: 'vanish', reason: runWords('fake-vanished') }
          : { kind: 'exit', code: plan.signal === null ? plan.exitCode : null, signal: plan.signal },
      };
      jobs.set(attempt, job);
      starts.set(attempt, (starts.get(attempt) ?? 0) + 1);
      scheduleHint(attempt, job);
    },
    observe(platform, attempt) {
      const job = jobOf(platform, attempt);
      if (!job) return { state: 'gone', reason: runWords('fake-forgot') };
      const now = nowMs();
      if (now >= job.endMs) {
        return job.end.kind === 'vanish' ? { state: 'gone', reason: job.end.reason } : { state: 'exited', exit: exitOf(job, job.end) };
      }
      const pendingFor = now - job.createdMs;
      if (pendingFor < job.script.pendingMs) return { state: 'pending', phase: 'pulling', progress: pendingFor / job.script.pendingMs };
      return { state: 'running' };
    },
    stop(platform, attempt, order) {
      const job = jobOf(platform, attempt);
      if (!job) return;
      if (order === 'kill') endAt(attempt, job, nowMs(), { kind: 'exit', code: null, signal: 'SIGKILL' });
      else if (job.script.terminateMs !== null) {
        endAt(attempt, job, nowMs() + job.script.terminateMs, { kind: 'exit', code: null, signal: 'SIGTERM' });
      }
    },
    delete(platform, attempt) {
      if (jobOf(platform, attempt)) jobs.delete(attempt);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return engine;
}
