import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { startReconciler, type Reconciler } from '#kit/reconcilers/reconciler.ts';

/** Something that removes what is no longer wanted, now and then. */
export interface Sweep {
  readonly name: string;
  readonly everyMs: number;
  sweep(now: Date): Promise<void>;
}

export function startSweeps(sweeps: readonly Sweep[], clock: Clock, log: Log): readonly Reconciler[] {
  return sweeps.map(({ name, everyMs, sweep }) =>
    startReconciler({
      name,
      intervalMs: everyMs,
      clock,
      log,
      pass: async () => {
        await sweep(clock.now());
        return 'done';
      },
    }),
  );
}
