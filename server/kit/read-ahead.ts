export interface Ahead<Item> {
  /** Begun before their turn: at most so many, */
  readonly items: number;
  /** and, beyond the first, of so many bytes together. */
  readonly bytes: number;
  bytesOf(item: Item): number;
}

/** What `read` gives for each item, in their order; the next ones are read meanwhile. */
export async function* readAhead<Item, Value>(
  items: Iterable<Item>,
  most: Ahead<Item>,
  read: (item: Item) => Promise<Value>,
): AsyncGenerator<Value, void, undefined> {
  const rest = items[Symbol.iterator]();
  const ahead: { readonly bytes: number; readonly value: Promise<Value> }[] = [];
  let bytes = 0;
  const readOn = (): void => {
    while (ahead.length < most.items && (ahead.length === 0 || bytes < most.bytes)) {
      const next = rest.next();
      if (next.done === true) return;
      const value = read(next.value);
      // Looked at in its turn, or never when the reader goes.
      value.catch(() => {});
      ahead.push({ bytes: most.bytesOf(next.value), value });
      bytes += most.bytesOf(next.value);
    }
  };
  for (readOn(); ahead.length > 0; readOn()) {
    const first = ahead[0] as (typeof ahead)[number];
    yield await first.value;
    ahead.shift();
    bytes -= first.bytes;
  }
}
