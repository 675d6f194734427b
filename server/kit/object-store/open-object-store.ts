import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { checkS3, claimPlace, clockSkewOf, readOwner } from '#kit/object-store/s3/check-s3.ts';
import { openS3, type S3Connection } from '#kit/object-store/s3/s3-connection.ts';
import { makeS3ObjectStore } from '#kit/object-store/s3/s3-object-store.ts';
import { S3_PATIENCE, type S3Patience, type S3Settings } from '#kit/object-store/s3/s3-settings.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { sql } from 'kysely';

export type ObjectStoreSettings = { readonly kind: 'file-system' } | { readonly kind: 's3'; readonly s3: S3Settings; readonly cacheBytes: number };

/** The server must not start with this store; the text says why and what to do. */
export class ObjectStoreRefused extends Error {}

/** A start waits this long for a bucket that does not answer. */
export const START_PATIENCE: S3Patience = { ...S3_PATIENCE, answerMs: 10_000, triesMs: 10_000 };
/** S3 refuses signatures that are 15 minutes off. */
export const SKEW_WORTH_SAYING_MS = 2 * 60_000;

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
  const s3 = openS3(settings.s3, clock, START_PATIENCE);
  try {
    await lookAtBucket(s3, installation, bound.holdsFiles, log);
  } catch (error) {
    throw isSodateError(error) && error.code === 'object-store-unavailable'
      ? new ObjectStoreRefused(`The object store cannot be used: ${error.params['reason']}. Check the settings SODATE_S3_…, or run: ./sodate doctor`)
      : error;
  } finally {
    s3.close();
  }
  await writeBinding(db, wanted);
  return makeS3ObjectStore({ settings: settings.s3, home, cacheBytes: settings.cacheBytes, clock, ...(workers ? { workers } : {}) });
}

async function lookAtBucket(s3: S3Connection, installation: string, holdsFiles: boolean, log: Log): Promise<void> {
  await checkS3(s3);
  const { bucket, prefix, endpoint } = s3.settings;
  const owner = holdsFiles ? await readOwner(s3) : await claimPlace(s3, installation);
  const place = `the bucket ${bucket}${prefix === '' ? '' : ` below ${prefix}`} at ${endpoint}`;
  if (owner === null)
    throw new ObjectStoreRefused(
      `In ${place} there are no files of a Sodate installation, but this one has stored files. Start with the settings SODATE_S3_… with which they were stored.`,
    );
  if (owner !== installation)
    throw new ObjectStoreRefused(
      `In ${place} there are the files of another Sodate installation (${owner}). Choose another bucket, or another SODATE_S3_PREFIX.`,
    );
  const skew = await clockSkewOf(s3);
  if (skew !== null && Math.abs(skew) > SKEW_WORTH_SAYING_MS)
    log.warn({ seconds: Math.round(skew / 1000) }, 'the clocks of this machine and of the object store differ; S3 refuses requests from 15 minutes on');
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
  return { name: rows[0]?.name ?? null, holdsFiles: rows[0]?.holds ?? false };
}

async function writeBinding(db: Database, name: string): Promise<void> {
  await db.updateTable('installation').set({ object_store: name }).execute();
}
