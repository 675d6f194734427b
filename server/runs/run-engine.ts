import { startReconciler, type Reconciler } from '#kit/reconcilers/reconciler.ts';
import { releaseClaims } from '#runs/claim-runs.ts';
import { makeRunDriver } from '#runs/drive-runs.ts';
import { makeScheduleRuns } from '#runs/schedule-runs.ts';
import { makeSweepOrphans } from '#runs/sweep-orphans.ts';
import { makeWriteManifests, type ManifestParts } from '#runs/write-manifests.ts';

const SCHEDULE_EVERY_MS = 1_000;
const DRIVE_EVERY_MS = 250;
/** Under load a pass costs the same for many runs as for one, so it waits until there are some. */
const SCHEDULE_AT_MOST_EVERY_MS = 15;
const DRIVE_AT_MOST_EVERY_MS = 5;
const SWEEP_EVERY_MS = 30_000;
const MANIFESTS_EVERY_MS = 5_000;

/** The working run engine of one server. */
export interface RunEngine {
  /** A run was put into the queue, or something a queued one waits for has changed. */
  hintQueue(): void;
  /** A run was changed, such as asked to stop. */
  hintRun(run: string): void;
  /** Ends the workers. Jobs go on, and the next server takes them up. */
  stop(): Promise<void>;
}

/**
 * Takes up what this server left behind and starts the workers. All of them work from what is stored, so the order of
 * their starts, the loss of any hint, and a death at any line cost time and nothing else.
 */
export async function startRunEngine(parts: ManifestParts): Promise<RunEngine> {
  await releaseClaims(parts.db, parts.server);
  const workers: { schedule?: Reconciler; drive?: Reconciler } = {};
  const driver = makeRunDriver(parts, { wake: () => workers.drive?.hint(), freed: () => workers.schedule?.hint() });
  const start = (name: string, pass: (signal: AbortSignal) => Promise<'again' | 'done'>, intervalMs: number, atMostEveryMs = 0): Reconciler =>
    startReconciler({ name, pass, intervalMs, atMostEveryMs, clock: parts.clock, log: parts.log });
  const schedule = start('schedule-runs', makeScheduleRuns(parts, driver), SCHEDULE_EVERY_MS, SCHEDULE_AT_MOST_EVERY_MS);
  const drive = start('drive-runs', (signal) => driver.pass(signal), DRIVE_EVERY_MS, DRIVE_AT_MOST_EVERY_MS);
  const sweep = start('sweep-orphans', makeSweepOrphans(parts).pass, SWEEP_EVERY_MS);
  const manifests = start('write-manifests', makeWriteManifests(parts), MANIFESTS_EVERY_MS);
  Object.assign(workers, { schedule, drive });
  const unsubscribe = parts.executors.all.map((executor) => executor.onChange((attempt) => driver.hintAttempt(attempt)));
  return {
    hintQueue: () => schedule.hint(),
    hintRun: (run) => driver.hintRun(run),
    async stop() {
      for (const stop of unsubscribe) stop();
      await Promise.all([schedule.stop(), drive.stop(), sweep.stop(), manifests.stop()]);
      await parts.logFollowers.close();
      await driver.settled();
    },
  };
}
