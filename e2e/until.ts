import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 25;
/** Only ends what would hang; nothing here is expected within a time. */
const PATIENCE_MS = 120_000;

/** Waits for a condition: looks until the answer is neither false nor null, and gives it. */
export async function until<Found>(what: string, look: () => Promise<Found | false | null> | Found | false | null, patienceMs = PATIENCE_MS): Promise<Found> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== null) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}
