import type { BlobId } from '#kit/object-store/object-store.ts';
import { TenantId, UploadId } from '@sodate/contract/ids.ts';

/** Where things are in the bucket. Keys are made of ids only, never of text that somebody chose. */
export interface S3Keys {
  /** Says whose files the bucket holds below its prefix. */
  readonly owner: string;
  readonly uploads: string;
  /** What is not a blob yet, or is about to be none any more. */
  pending(tenant: TenantId, id: UploadId | BlobId): string;
  blob(tenant: TenantId, blob: BlobId): string;
  /** What a key of `pending` stands for; null for a foreign one. */
  readPending(key: string): { readonly tenant: TenantId; readonly id: UploadId } | null;
}

export function s3Keys(prefix: string): S3Keys {
  const uploads = `${prefix}uploads/`;
  return {
    owner: `${prefix}sodate-installation`,
    uploads,
    pending: (tenant, id) => `${uploads}${tenant}/${id}`,
    // The last two digits spread keys over the bucket's partitions: the first ones of a UUIDv7 are the time.
    blob: (tenant, blob) => `${prefix}objects/${tenant}/${blob.slice(-2)}/${blob}`,
    readPending(key) {
      const [tenantText, idText, ...rest] = key.slice(uploads.length).split('/');
      const tenant = TenantId.safeParse(tenantText);
      const id = UploadId.safeParse(idText);
      return tenant.success && id.success && rest.length === 0 ? { tenant: tenant.data, id: id.data } : null;
    },
  };
}
