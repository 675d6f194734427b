/** Enough that the database and the disk work at the same time, little enough to hold in memory twice. */
const ITEMS_AHEAD = 4_000;

/** The same items in the same order; the source is asked for the next ones while the present ones are being used. */
export async function* readAhead<Item>(source: AsyncIterable<Item>): AsyncIterable<Item> {
  const items = source[Symbol.asyncIterator]();
  const take = async (): Promise<{ readonly taken: readonly Item[]; readonly done: boolean }> => {
    const taken: Item[] = [];
    while (taken.length < ITEMS_AHEAD) {
      const next = await items.next();
      if (next.done === true) return { taken, done: true };
      taken.push(next.value);
    }
    return { taken, done: false };
  };
  let ahead = take();
  try {
    for (;;) {
      const { taken, done } = await ahead;
      if (!done) {
        ahead = take();
        // Awaited above in the next round, or never when the reader has stopped.
        ahead.catch(() => {});
      }
      yield* taken;
      if (done) return;
    }
  } finally {
    await items.return?.();
  }
}
