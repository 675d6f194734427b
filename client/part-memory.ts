/** At least as long as was asked for; the same each time. */
export type TakeMemory = () => Uint8Array<ArrayBuffer>;

/**
 * Memory for the parts under way, used again for the next ones: 16 MiB that are new for each part cost more, in clearing
 * them and in the garbage collector, than sending them.
 */
export interface PartMemory {
  /** @param work takes the bytes if it needs them, and must be done with them when it settles */
  use<Result>(length: number, work: (take: TakeMemory) => Promise<Result>): Promise<Result>;
}

export function makePartMemory(): PartMemory {
  const free: Uint8Array<ArrayBuffer>[] = [];
  const takeFree = (length: number): Uint8Array<ArrayBuffer> | null => {
    const last = free.pop();
    return last !== undefined && last.length >= length ? last : null;
  };
  return {
    async use(length, work) {
      let taken: Uint8Array<ArrayBuffer> | undefined;
      try {
        return await work(() => (taken ??= takeFree(length) ?? new Uint8Array(length)));
      } finally {
        if (taken !== undefined) free.push(taken);
      }
    },
  };
}
