/** How often to try again and how long to wait in between: doubling from `firstDelayMs` up to `longestDelayMs`. */
export interface Backoff {
  readonly retries: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

/** For what goes on for long anyway and shall outlive a server's restart: about a minute and a half. */
export const PATIENT_BACKOFF: Backoff = { retries: 20, firstDelayMs: 200, longestDelayMs: 5_000 };

/** Half of the delay is random, so that clients cut off together do not come back together. */
export function delayBefore(retry: number, backoff: Backoff): number {
  const full = Math.min(backoff.firstDelayMs * 2 ** (retry - 1), backoff.longestDelayMs);
  return full / 2 + (Math.random() * full) / 2;
}

/** Does the work until it succeeds, fails for good, or has failed `retries` times more than once. */
export async function persist<T>(
  backoff: Backoff,
  signal: AbortSignal | undefined,
  mayPass: (error: unknown) => boolean,
  work: (retry: number) => Promise<T>,
): Promise<T> {
  for (let retry = 0; ;) {
    try {
      return await work(retry);
    } catch (error) {
      if (signal?.aborted === true || retry >= backoff.retries || !mayPass(error)) throw error;
    }
    retry += 1;
    await pause(delayBefore(retry, backoff), signal);
  }
}

/** Waits, or throws the signal's reason as soon as it is aborted. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(asError(signal.reason));
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(asError(signal?.reason));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
