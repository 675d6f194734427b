import type { Database } from '#kit/db/open-database.ts';
import { sweepLinks } from './link-store.ts';
import { sweepSessions } from './session-store.ts';

/** Removes what has expired. Expired secrets open nothing anyway: this only keeps the tables small. */
export async function sweepSignIns(db: Database, now: Date): Promise<void> {
  await sweepSessions(db, now);
  await sweepLinks(db, now);
}
