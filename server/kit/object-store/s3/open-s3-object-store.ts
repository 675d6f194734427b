import type { Log } from '#kit/log.ts';
import { ObjectStoreRefused } from '#kit/object-store/object-store-refused.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { checkS3, claimPlace, clockSkewOf, readOwner } from '#kit/object-store/s3/check-s3.ts';
import { openS3, type S3Connection } from '#kit/object-store/s3/s3-connection.ts';
import { makeS3ObjectStore, type S3ObjectStoreOptions } from '#kit/object-store/s3/s3-object-store.ts';
import { type S3Settings, SKEW_WORTH_SAYING_MS, START_PATIENCE } from '#kit/object-store/s3/s3-settings.ts';
import { isSodateError } from '@sodate/contract/errors.ts';

/**
 * Opens a bucket after looking that everything works there and that it holds the files of this installation, or none.
 * @throws ObjectStoreRefused
 */
export async function openS3ObjectStore(parts: {
  readonly settings: { readonly s3: S3Settings; readonly cacheBytes: number };
  readonly home: string;
  readonly installation: string;
  /** This installation has stored files before. */
  readonly holdsFiles: boolean;
  readonly clock: S3ObjectStoreOptions['clock'];
  readonly log: Log;
  readonly workers?: NonNullable<S3ObjectStoreOptions['workers']>;
}): Promise<ObjectStore> {
  const { settings, home, installation, holdsFiles, clock, log, workers } = parts;
  const s3 = openS3(settings.s3, clock, START_PATIENCE);
  try {
    await lookAtBucket(s3, installation, holdsFiles, log);
  } catch (error) {
    throw isSodateError(error) && error.code === 'object-store-unavailable'
      ? new ObjectStoreRefused(`The object store cannot be used: ${error.params['reason']}. Check the settings SODATE_S3_…, or run: ./sodate doctor`)
      : error;
  } finally {
    s3.close();
  }
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
