import { setTimeout as pause } from 'node:timers/promises';

/** How long things may take. A parameter, so that tests need not wait; nobody else has a reason to change it. */
export interface PostgresTiming {
  /** From the launch to the first answer. Long, since a crash recovery of a full WAL comes first. */
  readonly readyWithinMilliseconds: number;
  /** How long a living postmaster may refuse connections before it is replaced. */
  readonly adoptWithinMilliseconds: number;
  /** How long another process may hold the start lock; longer than a whole start. */
  readonly lockWithinMilliseconds: number;
  readonly fastStopWithinMilliseconds: number;
  readonly immediateStopWithinMilliseconds: number;
  /** Backends notice the end of their postmaster at their next wait; a busy one may not. */
  readonly leftoversWithinMilliseconds: number;
  readonly watchEveryMilliseconds: number;
  /** One entry per attempt to start a postmaster that died; then supervision gives up. */
  readonly restartDelaysMilliseconds: readonly number[];
  /** After this long without a death all attempts are available again. */
  readonly steadyAfterMilliseconds: number;
}

export const DEFAULT_TIMING: PostgresTiming = {
  readyWithinMilliseconds: 120_000,
  adoptWithinMilliseconds: 10_000,
  lockWithinMilliseconds: 180_000,
  fastStopWithinMilliseconds: 30_000,
  immediateStopWithinMilliseconds: 5_000,
  leftoversWithinMilliseconds: 2_000,
  watchEveryMilliseconds: 250,
  restartDelaysMilliseconds: [0, 500, 1_000, 2_000, 4_000],
  steadyAfterMilliseconds: 60_000,
};

/** Polls, first every 5 ms, then slower up to every 50 ms. False when the time is over. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, withinMilliseconds: number): Promise<boolean> {
  const deadline = AbortSignal.timeout(withinMilliseconds);
  for (let milliseconds = 5; ; milliseconds = Math.min(milliseconds * 1.5, 50)) {
    if (await condition()) return true;
    if (deadline.aborted) return false;
    await pause(milliseconds);
  }
}
