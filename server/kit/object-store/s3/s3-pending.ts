import { type BlobId, blobOfUpload, type PendingObject, type UploadShape } from '#kit/object-store/object-store.ts';
import type { S3Connection } from '#kit/object-store/s3/s3-connection.ts';
import { isMissing, isUploadGone } from '#kit/object-store/s3/s3-errors.ts';
import { type S3Keys } from '#kit/object-store/s3/s3-keys.ts';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';

/**
 * What is pending, as objects `uploads/<tenant>/<id>`. Of an upload with one part the object is that part; of a larger
 * one it is empty and names S3's multipart upload, which has the blob's key as its target; of a blob about to be removed
 * it is empty. It is written before anything else and goes last, so that whatever a crash leaves over is found by it.
 */
export interface S3Pending {
  /** The multipart upload of this upload, begun if there is none. `instead`: this one is known to be gone. */
  multipartOf(upload: UploadShape, instead?: string): Promise<string>;
  /** As far as known without beginning one. */
  findMultipart(upload: UploadShape): Promise<string | null>;
  mark(tenant: TenantId, id: UploadId | BlobId): Promise<void>;
  /** Unsealed parts go, then the object. `plain`: it is known to name no multipart upload. */
  forget(tenant: TenantId, id: UploadId | BlobId, plain: boolean): Promise<void>;
  list(): AsyncIterable<PendingObject>;
}

/** Metadata of a pending object that names a multipart upload. */
const MULTIPART = 'sodate-multipart';
const BEGINNING = 'beginning';
/** Parts that were on their way while their upload was given up can come to be after it: ask again so often. */
const ABORTS = 5;

export function makeS3Pending(s3: S3Connection, keys: S3Keys): S3Pending {
  const { bucket: Bucket } = s3.settings;
  const begun = new Map<UploadId, Promise<string>>();

  const put = (key: string, metadata: Record<string, string>): Promise<unknown> =>
    s3.call((client, options) => client.send(new PutObjectCommand({ Bucket, Key: key, Body: '', ContentLength: 0, Metadata: metadata }), options));

  const read = async (tenant: TenantId, id: UploadId | BlobId): Promise<{ multipart: string | null } | null> => {
    try {
      const head = await s3.call((client, options) => client.send(new HeadObjectCommand({ Bucket, Key: keys.pending(tenant, id) }), options));
      return { multipart: head.Metadata?.[MULTIPART] ?? null };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };

  const begin = async ({ tenant, id }: UploadShape): Promise<string> => {
    await put(keys.pending(tenant, id), { [MULTIPART]: BEGINNING });
    const input = { Bucket, Key: keys.blob(tenant, blobOfUpload(id)), ContentType: 'application/octet-stream' };
    const { UploadId: multipart } = await s3.call((client, options) => client.send(new CreateMultipartUploadCommand(input), options));
    if (multipart === undefined) throw new Error('The object store began a multipart upload without naming it');
    // If the process dies before this, `forget` finds the multipart upload by its key.
    await put(keys.pending(tenant, id), { [MULTIPART]: multipart });
    return multipart;
  };

  const abort = async (key: string, multipart: string): Promise<void> => {
    for (let tries = 0; tries < ABORTS; tries += 1) {
      try {
        await s3.call((client, options) => client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: multipart }), options));
      } catch (error) {
        if (isUploadGone(error) || isMissing(error)) return;
        throw error;
      }
    }
  };

  /** All of one key: more than one only if a server died right after it had begun one. */
  const multipartsAt = async (key: string): Promise<readonly string[]> => {
    const input = { Bucket, Prefix: key };
    const { Uploads = [] } = await s3.call((client, options) => client.send(new ListMultipartUploadsCommand(input), options));
    return Uploads.flatMap(({ Key, UploadId: multipart }) => (Key === key && multipart !== undefined ? [multipart] : []));
  };

  const findMultipart = async ({ tenant, id }: UploadShape, remembered: boolean): Promise<string | null> => {
    const known = remembered ? await begun.get(id) : undefined;
    const found = known ?? (await read(tenant, id))?.multipart ?? null;
    return found === BEGINNING ? null : found;
  };

  return {
    findMultipart: (upload) => findMultipart(upload, true),
    async multipartOf(upload, instead) {
      const known = begun.get(upload.id);
      if (known !== undefined && (await known) !== instead) return known;
      const current = begun.get(upload.id);
      if (current !== undefined && current !== known) return current;
      // From the line above to the one that remembers it nothing waits, so parts that come side by side begin one together.
      const finding = (async () => {
        const stored = await findMultipart(upload, false);
        return stored === null || stored === instead ? begin(upload) : stored;
      })();
      begun.set(upload.id, finding);
      finding.catch(() => begun.delete(upload.id));
      return finding;
    },
    mark: async (tenant, id) => void (await put(keys.pending(tenant, id), {})),
    async forget(tenant, id, plain) {
      begun.delete(id as UploadId);
      if (!plain) {
        const pending = await read(tenant, id);
        if (pending === null) return;
        const key = keys.blob(tenant, id as BlobId);
        if (pending.multipart !== null) {
          const named = pending.multipart === BEGINNING ? [] : [pending.multipart];
          for (const multipart of new Set([...named, ...(await multipartsAt(key))])) await abort(key, multipart);
        }
      }
      await s3.call((client, options) => client.send(new DeleteObjectCommand({ Bucket, Key: keys.pending(tenant, id) }), options));
    },
    async *list() {
      for (let token: string | undefined; ;) {
        const input = { Bucket, Prefix: keys.uploads, ...(token === undefined ? {} : { ContinuationToken: token }) };
        const page = await s3.call((client, options) => client.send(new ListObjectsV2Command(input), options));
        for (const { Key, LastModified } of page.Contents ?? []) {
          const found = Key === undefined ? null : keys.readPending(Key);
          if (found !== null && LastModified !== undefined) yield { ...found, touchedAt: LastModified };
        }
        if (page.IsTruncated !== true || page.NextContinuationToken === undefined) return;
        token = page.NextContinuationToken;
      }
    },
  };
}
