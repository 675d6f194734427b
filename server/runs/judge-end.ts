import type { Exit } from '#executors/executor.ts';
import type { RunFailure } from '#runs/run-failure.ts';
import { FAILURE_CLASSES, type FailureClass } from '@sodate/contract/failures.ts';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

/** How an attempt came to its end, as recorded on it. */
export type AttemptEnd =
  | { readonly how: 'exited'; readonly exit: Exit }
  | { readonly how: 'refused'; readonly class: FailureClass; readonly words: RunWords }
  | { readonly how: 'lost'; readonly reason: RunWords };

export interface EndVerdict {
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'queued';
  readonly failure: RunFailure | null;
}

/**
 * What an end means for the run. A stop that was asked decides first: whoever asked for it wants to see `cancelled`, and
 * a job that was ended by its time limit failed by it, whatever code it managed to end with.
 * `queued` = it is tried again by itself; `retries` counts the earlier tries by class.
 */
export function judgeEnd(failure: RunFailure | null, stop: 'asked' | 'time-limit' | null, retries: Readonly<Record<string, number>>): EndVerdict {
  if (stop === 'asked') return { state: 'cancelled', failure: null };
  if (stop === 'time-limit') return { state: 'failed', failure: { class: 'time-limit', words: runWords('ended-by-time-limit') } };
  if (failure === null) return { state: 'succeeded', failure: null };
  const again = (retries[failure.class] ?? 0) < FAILURE_CLASSES[failure.class].automaticRetries;
  return { state: again ? 'queued' : 'failed', failure };
}

/** What an end is called by itself, without regard to what was asked of the run. */
export function failureOf(end: AttemptEnd): RunFailure | null {
  switch (end.how) {
    case 'refused':
      return { class: end.class, words: end.words };
    case 'lost':
      return { class: 'node-lost', words: end.reason };
    case 'exited': {
      const { exit } = end;
      if (exit.failure !== null) return exit.failure;
      if (exit.signal !== null) return { class: 'user-error', words: runWords('command-signal', { signal: exit.signal }) };
      return exit.code === 0 ? null : { class: 'user-error', words: exitCodeWords(exit.code ?? -1) };
    }
  }
}

function exitCodeWords(code: number): RunWords {
  if (code === 127) return runWords('command-not-found');
  if (code === 126) return runWords('command-not-executable');
  return runWords('command-exit-code', { exitCode: code });
}
