import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import { ObjectStoreRefused } from '#kit/object-store/object-store-refused.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import type { S3Settings } from '#kit/object-store/s3/s3-settings.ts';
import { sql } from 'kysely';

export interface S3StoreSettings {
  readonly kind: 's3';
  readonly s3: S3Settings;
  readonly cacheBytes: number;
}

export type ObjectStoreSettings = { readonly kind: 'file-system' } | S3StoreSettings;

/**
 * Opens the store that the settings name, after looking that it is the one the files of this installation are in.
 * @throws ObjectStoreRefused
 */
export async function openObjectStore(parts: {
  readonly settings: ObjectStoreSettings;
  readonly home: string;
  readonly db: Database;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly workers?: { readonly hash: URL; readonly link: URL };
}): Promise<ObjectStore> {
  const { settings, home, db, installation, clock, log, workers } = parts;
  const bound = await readBinding(db);
  const wanted = nameOf(settings);
  if (bound.holdsFiles && bound.name !== null && bound.name !== wanted) throw new ObjectStoreRefused(otherStore(bound.name, wanted));
  if (settings.kind === 'file-system') {
    await writeBinding(db, wanted);
    return makeFileSystemObjectStore({ home, ...(workers ? { workers } : {}) });
  }
  // Loaded where it is needed: the SDK takes memory and time that an installation without S3 need not spend.
  const { openS3ObjectStore } = await import('#kit/object-store/s3/open-s3-object-store.ts');
  const store = await openS3ObjectStore({ settings, home, installation, holdsFiles: bound.holdsFiles, clock, log, ...(workers ? { workers } : {}) });
  await writeBinding(db, wanted);
  return store;
}

/**
 * Opens a bucket for an installation whose rows name files that are not stored anywhere yet, as in a restore: they are to
 * be put there next.
 * @throws ObjectStoreRefused when it holds files of another installation
 */
export async function openObjectStoreToFill(
  parts: Omit<Parameters<typeof openObjectStore>[0], 'settings'> & { readonly settings: S3StoreSettings },
): Promise<ObjectStore> {
  const { openS3ObjectStore } = await import('#kit/object-store/s3/open-s3-object-store.ts');
  const store = await openS3ObjectStore({ ...parts, holdsFiles: false });
  await writeBinding(parts.db, nameOf(parts.settings));
  return store;
}

const nameOf = (settings: ObjectStoreSettings): string => (settings.kind === 's3' ? `s3://${settings.s3.bucket}/${settings.s3.prefix}` : 'file-system');

const inWords = (name: string): string => (name === 'file-system' ? 'the home folder' : `the bucket ${name}`);

function otherStore(bound: string, wanted: string): string {
  const how = bound === 'file-system' ? 'Unset SODATE_S3_BUCKET' : 'Set SODATE_S3_BUCKET and SODATE_S3_PREFIX as they were';
  return `The files of this installation are in ${inWords(bound)}, but the settings say ${inWords(wanted)}. ${how}; a store that holds files cannot be changed.`;
}

async function readBinding(db: Database): Promise<{ readonly name: string | null; readonly holdsFiles: boolean }> {
  const { rows } = await sql<{ name: string | null; holds: boolean }>`
    select object_store as name, exists (select from blobs) or exists (select from uploads) as holds from installation`.execute(db);
  const holdsFiles = rows[0]?.holds ?? false;
  // Unbound with files: a restore has put them into the home.
  return { name: rows[0]?.name ?? (holdsFiles ? 'file-system' : null), holdsFiles };
}

async function writeBinding(db: Database, name: string): Promise<void> {
  await db.updateTable('installation').set({ object_store: name }).execute();
}
