import { newId } from '#kit/ids.ts';
import { type S3Connection } from '#kit/object-store/s3/s3-connection.ts';
import { isMissing } from '#kit/object-store/s3/s3-errors.ts';
import { s3Keys } from '#kit/object-store/s3/s3-keys.ts';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';

/**
 * Does each kind of thing once that the store will have to do, and leaves nothing.
 * @throws SodateError `object-store-unavailable` saying what is wrong, in words for operators
 */
export async function checkS3(s3: S3Connection): Promise<void> {
  const { bucket: Bucket, prefix } = s3.settings;
  const Key = `${prefix}sodate-check-${newId<string>()}`;
  const copy = `${Key}-copy`;
  await s3.call((client, options) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'check', ContentLength: 5 }), options));
  try {
    await s3.call((client, options) => client.send(new HeadObjectCommand({ Bucket, Key }), options));
    const { Body } = await s3.call((client, options) => client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=1-2' }), options));
    if ((await Body?.transformToString()) !== 'he') throw new Error('The object store does not give back what was stored, or knows no ranges');
    await s3.call((client, options) => client.send(new CopyObjectCommand({ Bucket, Key: copy, CopySource: `${Bucket}/${encodeURI(Key)}` }), options));
    await s3.call((client, options) => client.send(new ListObjectsV2Command({ Bucket, Prefix: Key, MaxKeys: 2 }), options));
    const { UploadId } = await s3.call((client, options) => client.send(new CreateMultipartUploadCommand({ Bucket, Key }), options));
    await s3.call((client, options) => client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }), options));
    await s3.call((client, options) => client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), options));
  } finally {
    for (const key of [Key, copy]) await s3.call((client, options) => client.send(new DeleteObjectCommand({ Bucket, Key: key }), options));
  }
}

/** How far this machine's clock is ahead of the store's, in milliseconds; null where the store does not tell. */
export async function clockSkewOf(s3: S3Connection): Promise<number | null> {
  const answer = await fetch(s3.settings.endpoint, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(s3.patience.answerMs) }).catch(() => null);
  const date = Date.parse(answer?.headers.get('date') ?? '');
  return Number.isNaN(date) ? null : s3.clock.now().getTime() - date;
}

/** Writes that this place belongs to an installation, if nobody has. @returns whose it is */
export async function claimPlace(s3: S3Connection, installation: string): Promise<string> {
  const { bucket: Bucket, prefix } = s3.settings;
  const Key = s3Keys(prefix).owner;
  const found = await readOwner(s3);
  if (found !== null) return found;
  await s3.call((client, options) => client.send(new PutObjectCommand({ Bucket, Key, Body: installation, ContentLength: installation.length }), options));
  // Of two that claim it at once the later one wins, and both read who it was.
  return (await readOwner(s3)) ?? installation;
}

export async function readOwner(s3: S3Connection): Promise<string | null> {
  const { bucket: Bucket, prefix } = s3.settings;
  try {
    const { Body } = await s3.call((client, options) => client.send(new GetObjectCommand({ Bucket, Key: s3Keys(prefix).owner }), options));
    return (await Body?.transformToString())?.trim() ?? null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
