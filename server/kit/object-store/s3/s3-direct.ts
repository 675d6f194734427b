import { blobOfUpload, type DirectAccess, partCountOf, partLengthOf } from '#kit/object-store/object-store.ts';
import { makeS3Client, type S3Connection } from '#kit/object-store/s3/s3-connection.ts';
import type { S3Keys } from '#kit/object-store/s3/s3-keys.ts';
import type { S3Pending } from '#kit/object-store/s3/s3-pending.ts';
import type { S3Uploads } from '#kit/object-store/s3/s3-uploads.ts';
import { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

/** Sending a part may take this long to begin; a fresh address costs one request. */
const PART_ADDRESS_SECONDS = 3600;
/** Asked for by a redirect that is followed at once. */
const BLOB_ADDRESS_SECONDS = 300;

/** Addresses signed for the bucket as clients reach it. Signing asks nobody. */
export function makeS3Direct(parts: {
  readonly s3: S3Connection;
  readonly keys: S3Keys;
  readonly pending: S3Pending;
  readonly uploads: S3Uploads;
  readonly publicEndpoint: string;
}): DirectAccess {
  const { s3, keys, pending, uploads, publicEndpoint } = parts;
  const { bucket: Bucket } = s3.settings;
  const client = makeS3Client(s3.settings, publicEndpoint, s3.patience);
  return {
    async partAddress(upload, part) {
      // The length is signed too, so nobody can fill the bucket with what was never announced.
      const how = { expiresIn: PART_ADDRESS_SECONDS, signableHeaders: new Set(['host', 'content-length']) };
      const ContentLength = partLengthOf(upload, part);
      if (partCountOf(upload) === 1)
        return getSignedUrl(client, new PutObjectCommand({ Bucket, Key: keys.pending(upload.tenant, upload.id), ContentLength }), how);
      const multipart = await pending.multipartOf(upload);
      const input = { Bucket, Key: keys.blob(upload.tenant, blobOfUpload(upload.id)), UploadId: multipart, PartNumber: part, ContentLength };
      return getSignedUrl(client, new UploadPartCommand(input), how);
    },
    partsThere: (upload) => uploads.partsThere(upload),
    blobAddress: (tenant, blob, disposition) =>
      getSignedUrl(
        client,
        new GetObjectCommand({
          Bucket,
          Key: keys.blob(tenant, blob),
          ResponseContentDisposition: disposition,
          ResponseContentType: 'application/octet-stream',
          ResponseCacheControl: 'private, no-cache',
        }),
        { expiresIn: BLOB_ADDRESS_SECONDS },
      ),
  };
}
