import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';

/**
 * A background worker. It is level-triggered: each pass looks at what is stored and does what is due, so a lost hint, a
 * crash or a second server only cost time. A pass that throws is logged and tried again later, a little later each time.
 */
export interface Reconciler {
  /** Something may be due: do not wait for the interval. */
  hint(): void;
  /** Ends after the pass under way. */
  stop(): Promise<void>;
}

/** A pass answers `again` when it left work over that is due now. */
export type Pass = (signal: AbortSignal) => Promise<'again' | 'done'>;

const LONGEST_BACKOFF_MS = 10_000;

export function startReconciler(options: {
  readonly name: string;
  readonly pass: Pass;
  readonly intervalMs: number;
  /** Passes begin at least this far apart, so that many hints at a time make one pass. The first after quiet begins at once. */
  readonly atMostEveryMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}): Reconciler {
  const { name, pass, intervalMs, atMostEveryMs = 0, clock, log } = options;
  const stopping = new AbortController();
  let wake: (() => void) | null = null;
  let hinted = false;
  let failures = 0;
  let beganAtMs = 0;

  const rest = async (ms: number): Promise<void> => {
    if (hinted || stopping.signal.aborted) return;
    const woken = new AbortController();
    // With a reason of ours: Node's own is an error with a stack, which costs more than the rest of a hint.
    wake = () => woken.abort('hinted');
    stopping.signal.addEventListener('abort', wake, { once: true });
    await clock.sleep(ms, woken.signal);
    stopping.signal.removeEventListener('abort', wake);
    wake = null;
  };

  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const early = beganAtMs + atMostEveryMs - clock.now().getTime();
      // A clock that was set back must not make this wait longer.
      if (early > 0) await clock.sleep(Math.min(early, atMostEveryMs), stopping.signal);
      if (stopping.signal.aborted) return;
      hinted = false;
      beganAtMs = clock.now().getTime();
      try {
        const result = await pass(stopping.signal);
        failures = 0;
        if (result === 'done') await rest(intervalMs);
      } catch (error) {
        failures += 1;
        log.error({ err: error, reconciler: name, failures }, 'a pass failed; it is tried again');
        hinted = false;
        await rest(Math.min(LONGEST_BACKOFF_MS, 100 * 2 ** failures));
      }
    }
  };
  const ended = work();

  return {
    hint() {
      hinted = true;
      wake?.();
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
