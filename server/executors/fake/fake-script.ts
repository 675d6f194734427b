import { FailureClass } from '@sodate/contract/failures.ts';
import type { LaunchSpec } from '../executor.ts';

/** What a fake job does with its life, in virtual milliseconds from its start. */
export interface FakeScript {
  /** How long it is `pending` (an image being pulled) before it runs. */
  readonly pendingMs: number;
  /** null = until it is stopped. */
  readonly runMs: number | null;
  readonly exitCode: number;
  /** Dies of this signal in place of `exitCode`. */
  readonly signal: string | null;
  /** What the engine says about the end beyond the code, such as out-of-memory. */
  readonly failure: FailureClass | null;
  /** Disappears without an exit code when its time is over. */
  readonly vanishes: boolean;
  /** `start` throws StartRefused with this class. */
  readonly refuses: FailureClass | null;
  /** How long it takes to end after `terminate`; null = it ignores it. */
  readonly terminateMs: number | null;
}

const isSet = (text: string | undefined): boolean => text !== undefined && text !== '' && text !== '0';

/** Reads FAKE_PENDING_MS, FAKE_RUN_MS (`forever`), FAKE_EXIT_CODE, FAKE_SIGNAL, FAKE_FAILURE, FAKE_VANISH, FAKE_REFUSE, FAKE_TERMINATE_MS (`never`). */
export function scriptFromEnvironment({ environment }: LaunchSpec): FakeScript {
  const milliseconds = (name: string): number => Number(environment[name] ?? 0) || 0;
  const failureClass = (name: string): FailureClass | null => (environment[name] ? FailureClass.parse(environment[name]) : null);
  return {
    pendingMs: milliseconds('FAKE_PENDING_MS'),
    runMs: environment['FAKE_RUN_MS'] === 'forever' ? null : milliseconds('FAKE_RUN_MS'),
    exitCode: milliseconds('FAKE_EXIT_CODE'),
    signal: environment['FAKE_SIGNAL'] || null,
    failure: failureClass('FAKE_FAILURE'),
    vanishes: isSet(environment['FAKE_VANISH']),
    refuses: failureClass('FAKE_REFUSE'),
    terminateMs: environment['FAKE_TERMINATE_MS'] === 'never' ? null : milliseconds('FAKE_TERMINATE_MS'),
  };
}
