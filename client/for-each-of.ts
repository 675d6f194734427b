/**
 * Runs `work` for every item, at most `concurrency` at once; items that come one after the other are asked for as there is
 * room. The first failure, of the work or of what brings the items, aborts the signal given to the others and is thrown
 * when all of them have ended, so that nothing goes on behind the caller's back.
 */
export async function forEachOf<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  signal: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const combined = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const rest = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failure: { readonly error: unknown } | null = null;
  const worker = async (): Promise<void> => {
    try {
      while (!combined.aborted) {
        const coming = rest.next();
        // What is there already is begun at once, and not after others have had a turn.
        const next = 'then' in coming ? await coming : coming;
        if (next.done === true || combined.aborted) return;
        await withOwnSignal(combined, (own) => work(next.value, own));
      }
    } catch (error) {
      failure ??= { error };
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
  await rest.return?.();
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  signal?.throwIfAborted();
}

/** Requests leave their listeners on the signal that they were given; one for all items would collect those of every file. */
async function withOwnSignal(signal: AbortSignal, work: (own: AbortSignal) => Promise<void>): Promise<void> {
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await work(own.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
