/**
 * Does the work for each thing, at most `limit` at the same time. All of it is over when this ends; after a failure
 * nothing more is begun, and the first failure is thrown.
 */
export async function forEachTogether<Thing>(things: readonly Thing[], limit: number, work: (thing: Thing) => Promise<void>): Promise<void> {
  const rest = things.values();
  let failed = false;
  const next = async (): Promise<void> => {
    for (const thing of rest) {
      if (failed) return;
      try {
        await work(thing);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, things.length) }, next));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
