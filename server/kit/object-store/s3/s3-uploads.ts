import type { FileHasher } from '#kit/object-store/file-hasher.ts';
import { blobOfUpload, partCountOf, partLengthOf, type UploadShape } from '#kit/object-store/object-store.ts';
import type { S3Connection } from '#kit/object-store/s3/s3-connection.ts';
import { isMissing, isPartChanged, isUploadGone } from '#kit/object-store/s3/s3-errors.ts';
import type { S3Keys } from '#kit/object-store/s3/s3-keys.ts';
import type { S3Pending } from '#kit/object-store/s3/s3-pending.ts';
import type { SpooledPart } from '#kit/object-store/s3/spool-part.ts';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UploadId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';

/** How parts get into the bucket and become a blob. */
export interface S3Uploads {
  write(upload: UploadShape, part: number, bytes: SpooledPart): Promise<void>;
  /** @returns `sha256:…` of the blob. @throws SodateError `upload-incomplete` */
  seal(upload: UploadShape): Promise<string>;
  /** Parts of the right length that are there. */
  partsThere(upload: UploadShape): Promise<readonly number[]>;
  /** Whether what is pending is known to be the file itself, so that no multipart upload has to be looked for. */
  isPlain(upload: UploadId): boolean;
  drop(upload: UploadId): void;
}

interface StoredPart {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
}

/** As long as an address may live; this one never leaves the process. */
const READ_BACK_SECONDS = 7 * 24 * 3600;
const READ_BACK_TRIES = 6;
const EMPTY_DIGEST = `sha256:${createHash('sha256').digest('hex')}`;

export function makeS3Uploads(parts: {
  readonly s3: S3Connection;
  readonly keys: S3Keys;
  readonly pending: S3Pending;
  readonly hasher: FileHasher;
  /** Clients send parts to the store themselves: what was sent through here says nothing about what is there. */
  readonly clientsSend: boolean;
}): S3Uploads {
  const { s3, keys, pending, hasher, clientsSend } = parts;
  const { bucket: Bucket } = s3.settings;
  /** Of uploads with one part: the digest of that part, as it was last sent. */
  const plain = new Map<UploadId, string>();

  const blobKey = ({ tenant, id }: UploadShape): string => keys.blob(tenant, blobOfUpload(id));

  const sizeOf = async (key: string): Promise<number | null> => {
    try {
      return (await s3.call((client, options) => client.send(new HeadObjectCommand({ Bucket, Key: key }), options))).ContentLength ?? null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };

  const listParts = async (upload: UploadShape, multipart: string): Promise<StoredPart[]> => {
    const found: StoredPart[] = [];
    try {
      for (let marker: string | undefined; ;) {
        const input = { Bucket, Key: blobKey(upload), UploadId: multipart, ...(marker === undefined ? {} : { PartNumberMarker: marker }) };
        const page = await s3.call((client, options) => client.send(new ListPartsCommand(input), options));
        for (const { PartNumber, Size, ETag } of page.Parts ?? []) {
          if (PartNumber !== undefined && ETag !== undefined && Size === partLengthOf(upload, PartNumber))
            found.push({ number: PartNumber, size: Size, etag: ETag });
        }
        if (page.IsTruncated !== true || page.NextPartNumberMarker === undefined) return found;
        marker = page.NextPartNumberMarker;
      }
    } catch (error) {
      if (isUploadGone(error)) return [];
      throw error;
    }
  };

  const incomplete = (upload: UploadShape, missing: string): SodateError => new SodateError('upload-incomplete', { reference: upload.id, missing });

  /** The blob of an upload with one part is a copy of it, made by S3; nobody who may send the part can write to the blob. */
  const sealPlain = async (upload: UploadShape): Promise<void> => {
    const from = keys.pending(upload.tenant, upload.id);
    if (upload.size === 0) {
      await pending.mark(upload.tenant, upload.id);
      return void (await s3.call((client, options) =>
        client.send(new PutObjectCommand({ Bucket, Key: blobKey(upload), Body: '', ContentLength: 0 }), options),
      ));
    }
    const there = plain.has(upload.id) && !clientsSend ? upload.size : await sizeOf(from);
    if (there !== upload.size) throw incomplete(upload, `${upload.size - (there ?? 0)} of ${upload.size} bytes`);
    const input = { Bucket, Key: blobKey(upload), CopySource: `${Bucket}/${encodeURI(from)}` };
    try {
      await s3.call((client, options) => client.send(new CopyObjectCommand(input), options), { kind: 'work' });
    } catch (error) {
      throw isMissing(error) ? incomplete(upload, `${upload.size} of ${upload.size} bytes`) : error;
    }
  };

  /** What was sealed before and is sent again in part takes the other parts from the blob it was. */
  const copyFromBlob = async (upload: UploadShape, multipart: string, number: number): Promise<StoredPart> => {
    const start = (number - 1) * upload.partSize;
    const size = partLengthOf(upload, number);
    const Key = blobKey(upload);
    const input = {
      Bucket,
      Key,
      UploadId: multipart,
      PartNumber: number,
      CopySource: `${Bucket}/${encodeURI(Key)}`,
      CopySourceRange: `bytes=${start}-${start + size - 1}`,
    };
    const { CopyPartResult } = await s3.call((client, options) => client.send(new UploadPartCopyCommand(input), options), { kind: 'work' });
    if (CopyPartResult?.ETag === undefined) throw new Error('The object store copied a part without naming it');
    return { number, size, etag: CopyPartResult.ETag };
  };

  const sealParts = async (upload: UploadShape): Promise<void> => {
    const multipart = await pending.findMultipart(upload);
    const there = new Map((multipart === null ? [] : await listParts(upload, multipart)).map((part) => [part.number, part]));
    const missing = Array.from({ length: partCountOf(upload) }, (_, index) => index + 1).filter((number) => !there.has(number));
    if (missing.length > 0 && (await sizeOf(blobKey(upload))) !== upload.size) {
      const bytes = missing.reduce((sum, number) => sum + partLengthOf(upload, number), 0);
      throw incomplete(upload, `${bytes} of ${upload.size} bytes`);
    }
    // It was sealed before, and nothing has been sent since.
    if (multipart === null || there.size === 0) return;
    for (const number of missing) there.set(number, await copyFromBlob(upload, multipart, number));
    const inOrder = [...there.values()].toSorted((a, b) => a.number - b.number).map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
    const input = { Bucket, Key: blobKey(upload), UploadId: multipart, MultipartUpload: { Parts: inOrder } };
    try {
      await s3.call((client, options) => client.send(new CompleteMultipartUploadCommand(input), options), { kind: 'work' });
    } catch (error) {
      if (isPartChanged(error)) throw incomplete(upload, 'a part that is being sent again');
      // The answer to a try before was lost, and that try did it.
      if (!isUploadGone(error)) throw error;
    }
    if ((await sizeOf(blobKey(upload))) !== upload.size) throw incomplete(upload, 'its end');
  };

  /**
   * Of the object as it is stored: parts come in any order, from several servers' lives and, by signed addresses, past
   * this server, so nothing else knows them all. A thread reads it back.
   */
  const digestOf = async (upload: UploadShape): Promise<string> => {
    const url = await getSignedUrl(s3.client, new GetObjectCommand({ Bucket, Key: blobKey(upload) }), { expiresIn: READ_BACK_SECONDS });
    const { idleMs, firstDelayMs } = s3.patience;
    try {
      return await hasher.fetch(upload.id, { url, size: upload.size, idleMs, triesLimit: READ_BACK_TRIES, delayMs: firstDelayMs });
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'an object cannot be read back';
      throw new SodateError('object-store-unavailable', { reason }, { cause: error });
    }
  };

  return {
    async write(upload, part, bytes) {
      if (partCountOf(upload) === 1) {
        plain.delete(upload.id);
        const input = { Bucket, Key: keys.pending(upload.tenant, upload.id), ContentLength: bytes.length };
        await s3.call((client, options) => client.send(signedWith(new PutObjectCommand({ ...input, Body: bytes.open() }), bytes.digest), options), {
          kind: 'bytes',
        });
        plain.set(upload.id, bytes.digest);
        return;
      }
      let multipart = await pending.multipartOf(upload);
      for (let begun = 0; ; begun += 1) {
        const input = { Bucket, Key: blobKey(upload), UploadId: multipart, PartNumber: part, ContentLength: bytes.length };
        try {
          await s3.call((client, options) => client.send(signedWith(new UploadPartCommand({ ...input, Body: bytes.open() }), bytes.digest), options), {
            kind: 'bytes',
          });
          return;
        } catch (error) {
          if (!isUploadGone(error) || begun > 0) throw error;
          multipart = await pending.multipartOf(upload, multipart);
        }
      }
    },
    async seal(upload) {
      const count = partCountOf(upload);
      await (count <= 1 ? sealPlain(upload) : sealParts(upload));
      if (count === 0) return EMPTY_DIGEST;
      const known = clientsSend ? undefined : plain.get(upload.id);
      return known ?? digestOf(upload);
    },
    async partsThere(upload) {
      const count = partCountOf(upload);
      if (count === 0) return [];
      if (count === 1) return (await sizeOf(keys.pending(upload.tenant, upload.id))) === upload.size ? [1] : [];
      const multipart = await pending.findMultipart(upload);
      return multipart === null ? [] : (await listParts(upload, multipart)).map(({ number }) => number);
    },
    isPlain: (upload) => plain.has(upload),
    drop: (upload) => void plain.delete(upload),
  };
}

/** The signature covers the bytes, so the store refuses what arrives changed, also without TLS. */
function signedWith<Sent extends PutObjectCommand | UploadPartCommand>(command: Sent, digest: string): Sent {
  const stack = command.middlewareStack as PutObjectCommand['middlewareStack'];
  stack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = digest.slice('sha256:'.length);
      return next(args);
    },
    { step: 'build', name: 'signedWithDigest' },
  );
  return command;
}
