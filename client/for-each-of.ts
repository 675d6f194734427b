/**
 * Runs `work` for every item, at most `concurrency` at once. The first failure aborts the signal given to the others and
 * is thrown when all of them have ended, so that nothing goes on behind the caller's back.
 */
export async function forEachOf<Item>(
  items: readonly Item[],
  concurrency: number,
  signal: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const combined = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const rest = items.values();
  let failure: { readonly error: unknown } | null = null;
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      if (combined.aborted) return;
      try {
        await work(item, combined);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  signal?.throwIfAborted();
}
