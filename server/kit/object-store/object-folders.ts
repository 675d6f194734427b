import type { BlobId } from '#kit/object-store/object-store.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import path from 'node:path';

/** Where things are below the home. Paths are made of ids only, never of text that somebody chose. */
export interface ObjectFolders {
  readonly uploads: string;
  readonly objects: string;
  uploadFolder(tenant: TenantId): string;
  /** What is not a blob yet, or is about to be none any more. */
  pendingFile(tenant: TenantId, id: UploadId | BlobId): string;
  blobFolder(tenant: TenantId, blob: BlobId): string;
  blobFile(tenant: TenantId, blob: BlobId): string;
}

export function objectFolders(home: string): ObjectFolders {
  const uploads = path.join(home, 'uploads');
  // The last two digits: the first ones of a UUIDv7 are the time, so nearly all of today's would share one folder.
  const objects = path.join(home, 'objects');
  // Put together by hand, since a data set has 100,000 of them.
  const blobFolder = (tenant: TenantId, blob: BlobId): string => `${objects}/${tenant}/${blob.slice(-2)}`;
  const uploadFolder = (tenant: TenantId): string => path.join(uploads, tenant);
  return {
    uploads,
    objects,
    uploadFolder,
    pendingFile: (tenant, id) => path.join(uploadFolder(tenant), id),
    blobFolder,
    blobFile: (tenant, blob) => `${blobFolder(tenant, blob)}/${blob}`,
  };
}

/** Further copies of a blob whose links ran out: `<blob>.1`, `<blob>.2`, … */
export const furtherCopy = (blobFile: string, copy: number): string => `${blobFile}.${copy}`;
