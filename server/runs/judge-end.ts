import type { Exit } from '#executors/executor.ts';
import { FAILURE_CLASSES, type FailureClass } from '@sodate/contract/failures.ts';

/** How an attempt came to its end, as recorded on it. */
export type AttemptEnd =
  | { readonly how: 'exited'; readonly exit: Exit }
  | { readonly how: 'refused'; readonly class: FailureClass; readonly message: string }
  | { readonly how: 'lost'; readonly reason: string };

export interface AttemptFailure {
  readonly class: FailureClass;
  readonly message: string;
}

export interface EndVerdict {
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'queued';
  readonly failure: AttemptFailure | null;
}

/**
 * What an end means for the run. A stop that was asked decides first: whoever asked for it wants to see `cancelled`, and
 * a job that was ended by its time limit failed by it, whatever code it managed to end with.
 * `queued` = it is tried again by itself; `retries` counts the earlier tries by class.
 */
export function judgeEnd(failure: AttemptFailure | null, stop: 'asked' | 'time-limit' | null, retries: Readonly<Record<string, number>>): EndVerdict {
  if (stop === 'asked') return { state: 'cancelled', failure: null };
  if (stop === 'time-limit') return { state: 'failed', failure: { class: 'time-limit', message: 'The run was ended because its time limit was over.' } };
  if (failure === null) return { state: 'succeeded', failure: null };
  const again = (retries[failure.class] ?? 0) < FAILURE_CLASSES[failure.class].automaticRetries;
  return { state: again ? 'queued' : 'failed', failure };
}

/** What an end is called by itself, without regard to what was asked of the run. */
export function failureOf(end: AttemptEnd): AttemptFailure | null {
  switch (end.how) {
    case 'refused':
      return { class: end.class, message: end.message };
    case 'lost':
      return { class: 'node-lost', message: end.reason };
    case 'exited': {
      const { exit } = end;
      if (exit.failure !== null) return exit.failure;
      if (exit.signal !== null) return { class: 'user-error', message: `The command was ended by the signal ${exit.signal}.` };
      return exit.code === 0 ? null : { class: 'user-error', message: exitCodeText(exit.code ?? -1) };
    }
  }
}

function exitCodeText(code: number): string {
  if (code === 127) return 'The command was not found (exit code 127).';
  if (code === 126) return 'The command could not be executed (exit code 126): not a program, or no right to run it.';
  return `The command ended with exit code ${code}.`;
}
