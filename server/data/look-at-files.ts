import type { DataParts } from '#data/data-parts.ts';
import type { FoundData } from '#data/data-store.ts';
import { allFilesOf, type FoundFile } from '#data/file-store.ts';
import { makeArchiveNames } from '#kit/archives/archive-names.ts';
import type { Archive } from '#kit/archives/archives.ts';
import { streamSource } from '#kit/archives/sources.ts';
import type { ArchiveEntry } from '#kit/archives/write-zip.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { makePreview } from '#kit/preview/preview.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { Preview } from '@sodate/contract/preview.ts';
import { buffer } from 'node:stream/consumers';

/** What can be shown of a file by its beginning. */
export async function previewFile(store: Pick<ObjectStore, 'read'>, tenant: TenantId, file: FoundFile): Promise<Preview> {
  return makePreview({
    name: file.name,
    size: file.size,
    read: async (bytes) => (bytes === 0 ? Buffer.alloc(0) : buffer(await store.read(tenant, file.blob, { start: 0, end: bytes - 1 }))),
  });
}

/** The files of a data, which may be removed meanwhile: those are left out. */
export async function archiveDataFiles({ db, store }: Pick<DataParts, 'db' | 'store'>, tenant: TenantId, data: FoundData): Promise<Archive> {
  const files = await allFilesOf(db, tenant, data.id);
  // Files of a data have no time of their own; without one the same files make the same archive.
  const modifiedAt = new Date(0);
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    const names = makeArchiveNames();
    for (const file of files) {
      const open = async () => {
        try {
          return streamSource(file.size, await store.read(tenant, file.blob));
        } catch (error) {
          if (isSodateError(error) && error.code === 'not-found') return null;
          throw error;
        }
      };
      yield { name: names.file(file.name), modifiedAt, open };
    }
  }
  return { name: `data-${data.number}`, entries };
}
