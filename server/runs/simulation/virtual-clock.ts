import type { Clock } from '#kit/clock.ts';

/** Time that passes only when told to. */
export interface VirtualClock extends Clock {
  advance(ms: number): void;
}

export function makeVirtualClock(startMs: number): VirtualClock {
  const state = { nowMs: startMs };
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  return {
    now: () => new Date(state.nowMs),
    sleep: (ms) => new Promise((wake) => void sleepers.add({ atMs: state.nowMs + ms, wake })),
    advance(ms) {
      state.nowMs += ms;
      for (const sleeper of sleepers) {
        if (sleeper.atMs > state.nowMs) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}
