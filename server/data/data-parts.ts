import type { UploadGate } from '#data/upload-gate.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import type { Log } from '#kit/log.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';

/** What this feature works with. Use cases take the part of it that they need. */
export interface DataParts {
  readonly db: Database;
  readonly store: ObjectStore;
  readonly gate: UploadGate;
  readonly changes: Pick<ChangeFeed, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Signs the addresses of parts; 32 bytes that outlive restarts. */
  readonly signingKey: Uint8Array;
}
