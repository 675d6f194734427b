import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresLog } from './postgres-log.ts';
import type { PostgresTiming } from './postgres-timing.ts';
import { readProcess } from './read-process.ts';

export type PostgresEvent =
  | { readonly kind: 'died'; readonly pid: number }
  | { readonly kind: 'restarted'; readonly pid: number; readonly how: 'initialised' | 'started' | 'adopted' }
  /** Nothing will start it again: the server should end, and say why. */
  | { readonly kind: 'gave-up'; readonly error: unknown };

interface Supervision {
  readonly pid: number;
  readonly bringUp: () => Promise<{ readonly pid: number; readonly how: 'initialised' | 'started' | 'adopted' }>;
  readonly onEvent: (event: PostgresEvent) => void;
  /** Called at every look while the postmaster lives. */
  readonly onLook: () => Promise<void>;
  readonly log: PostgresLog;
  readonly timing: PostgresTiming;
}

/**
 * Looks at the process instead of waiting for an exit event, because an adopted postmaster is not our child. A look costs two
 * small reads in /proc.
 */
export class PostmasterSupervision {
  readonly #wanted: Supervision;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;
  #pid: number;
  #mark: string | undefined;

  constructor(wanted: Supervision) {
    this.#wanted = wanted;
    this.#pid = wanted.pid;
    this.#mark = readProcess(wanted.pid)?.mark;
    this.#done = this.#watch();
  }

  get pid(): number {
    return this.#pid;
  }

  /** Afterwards nothing is started any more; a start that was under way has ended. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#done;
  }

  async #watch(): Promise<void> {
    const { timing, onEvent, onLook, log } = this.#wanted;
    let restarts = 0;
    let steadyAt = AbortSignal.timeout(timing.steadyAfterMilliseconds);
    while (await this.#rest(timing.watchEveryMilliseconds, false)) {
      if (this.#mark !== undefined && readProcess(this.#pid)?.mark === this.#mark) {
        if (steadyAt.aborted) restarts = 0;
        await onLook().catch(() => undefined);
        continue;
      }
      log.warn({ pid: this.#pid }, 'The database ended without being asked to; it is started again');
      onEvent({ kind: 'died', pid: this.#pid });
      const outcome = await this.#restart(restarts);
      if (outcome === undefined) return;
      if ('error' in outcome) {
        log.error({ err: outcome.error }, 'The database cannot be started again');
        onEvent({ kind: 'gave-up', error: outcome.error });
        return;
      }
      restarts = outcome.restarts;
      steadyAt = AbortSignal.timeout(timing.steadyAfterMilliseconds);
      this.#pid = outcome.pid;
      this.#mark = readProcess(outcome.pid)?.mark;
      log.info({ pid: outcome.pid, how: outcome.how }, 'The database is back');
      onEvent({ kind: 'restarted', pid: outcome.pid, how: outcome.how });
    }
  }

  async #restart(used: number) {
    const delays = this.#wanted.timing.restartDelaysMilliseconds;
    let error: unknown = new Error(`The database ended ${used + 1} times within a short time; see its log.`);
    for (let restarts = used; restarts < delays.length; restarts += 1) {
      if (!(await this.#rest(delays[restarts] ?? 0, true))) return undefined;
      try {
        return { ...(await this.#wanted.bringUp()), restarts: restarts + 1 };
      } catch (cause) {
        error = cause;
        this.#wanted.log.warn({ err: cause, attempt: restarts + 1, of: delays.length }, 'The database did not start');
      }
    }
    return { error };
  }

  /** False when supervision is to end. An idle watch does not keep the process alive, a restart does. */
  async #rest(milliseconds: number, ref: boolean): Promise<boolean> {
    try {
      await pause(milliseconds, undefined, { signal: this.#ending.signal, ref });
      return true;
    } catch {
      return false;
    }
  }
}
