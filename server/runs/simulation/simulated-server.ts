import { makeExecutorRegistry } from '#executors/executor-registry.ts';
import type { FakeEngine } from '#executors/fake/fake-engine.ts';
import { makeFakeExecutor } from '#executors/fake/fake-executor.ts';
import type { Clock } from '#kit/clock.ts';
import { releaseClaims } from '#runs/claim-runs.ts';
import { silentLog } from '#kit/log.ts';
import { makeRunDriver } from '#runs/drive-runs.ts';
import type { EngineLimits, EngineParts } from '#runs/engine-parts.ts';
import { makeLogFollowers } from '#runs/follow-logs.ts';
import type { RunKind } from '#runs/run-kind.ts';
import { makeScheduleRuns } from '#runs/schedule-runs.ts';
import type { HeldCalls } from '#runs/simulation/held-calls.ts';
import { openHeldDatabase } from '#runs/simulation/held-database.ts';
import { makeSweepOrphans } from '#runs/sweep-orphans.ts';
import type pg from 'pg';
import { z } from 'zod';

export const PLATFORM = 'simulation';
export const WORKERS = ['schedule', 'drive', 'sweep'] as const;
export type Worker = (typeof WORKERS)[number];

/** The run engine of one process of one server, with its workers started by hand instead of by time. */
export interface SimulatedServer {
  /** Name and number of the process, such as `A2`: the second process of the server A. */
  readonly process: string;
  paused: boolean;
  /** It has taken up what its predecessor left. */
  readonly ready: boolean;
  /** Begins a pass, unless one is under way. */
  begin(worker: Worker): void;
  readonly underWay: ReadonlySet<Worker>;
  hintRun(run: string): void;
  /** As at an orderly end: the signal is given, and `stopped` becomes true when all that was under way has ended. */
  stop(): void;
  readonly stopped: boolean;
  /** As by kill -9. */
  die(): Promise<void>;
}

export interface ServerSurroundings {
  readonly pool: pg.Pool;
  readonly calls: HeldCalls;
  readonly clock: Clock;
  readonly engine: FakeEngine;
  readonly limits: EngineLimits;
  /** Something was logged as an error, or a pass ended with one. */
  readonly failed: (process: string, what: string, error: unknown) => void;
  readonly losesHint: () => boolean;
}

/** Files are no part of this simulation: no file system takes this name, so that calls fail at once and take no time. */
const NO_FOLDER = '\0';

export function startSimulatedServer(process: string, id: string, around: ServerSurroundings): SimulatedServer {
  const { calls, clock, engine, failed } = around;
  const { db, abandon } = openHeldDatabase(around.pool, calls, process);
  const executor = makeFakeExecutor({
    id: 'fake',
    engine,
    platform: PLATFORM,
    faults: (point, attempt) => calls.hold(process, attempt === null ? point : `${point} ${attempt}`, () => {}),
  });
  const kind: RunKind<{ readonly name: string }> = {
    name: 'task',
    requestSchema: z.object({ name: z.string() }),
    toJob: () => ({ command: { kind: 'list', argv: ['true'] }, environment: {}, workingDirectory: '/', stagePlan: { items: [] }, mounts: [] }),
    finish: (run, { succeeded }) => calls.hold(process, `kind: finish ${run.id}`, () => ({ outputValue: succeeded ? `result of ${run.request.name}` : null })),
    details: async () => ({ kind: 'task' }),
  };
  const parts: EngineParts = {
    db,
    clock,
    log: { info: () => {}, warn: () => {}, error: (fields, message) => failed(process, message, 'err' in fields ? fields.err : fields) },
    server: id,
    executors: makeExecutorRegistry([executor]),
    kinds: [kind as RunKind],
    changes: { publish: () => {} },
    folders: { run: () => NO_FOLDER, output: () => NO_FOLDER, attach: () => NO_FOLDER, logFile: () => NO_FOLDER },
    attemptToken: (attempt) => attempt,
    serverUrl: () => 'http://platform.invalid',
    registryCredential: async () => null,
    logFollowers: makeLogFollowers({ clock, log: silentLog }),
    version: '0',
    limits: around.limits,
  };
  const ending = new AbortController();
  const state = { ready: false, dead: false, stopped: false };
  const underWay = new Set<Worker>();
  const driver = makeRunDriver(parts, { wake: () => {}, freed: () => {} });
  const schedule = makeScheduleRuns(parts, driver);
  const sweep = makeSweepOrphans(parts);
  const passes: Record<Worker, () => Promise<unknown>> = { schedule, drive: () => driver.pass(ending.signal), sweep: () => sweep.pass() };
  const unsubscribe = executor.onChange((attempt) => void (around.losesHint() || driver.hintAttempt(attempt)));

  const takeUp = (): void =>
    void releaseClaims(db, id).then(
      () => void (state.ready = true),
      (error: unknown) => {
        failed(process, 'the start', error);
        takeUp();
      },
    );
  takeUp();

  const maybeStopped = async (): Promise<void> => {
    if (!ending.signal.aborted || underWay.size > 0 || state.stopped) return;
    await driver.settled();
    state.stopped = true;
  };

  return {
    process,
    paused: false,
    get ready() {
      return state.ready;
    },
    get stopped() {
      return state.stopped;
    },
    underWay,
    begin(worker) {
      if (!state.ready || ending.signal.aborted || underWay.has(worker)) return;
      underWay.add(worker);
      void passes[worker]()
        .catch((error: unknown) => failed(process, `a pass of ${worker}`, error))
        .then(() => {
          underWay.delete(worker);
          return maybeStopped();
        });
    },
    hintRun: (run) => driver.hintRun(run),
    stop() {
      ending.abort();
      unsubscribe();
      void maybeStopped();
    },
    async die() {
      unsubscribe();
      calls.abandon(process);
      await abandon();
    },
  };
}
