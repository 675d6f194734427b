import type { DataParts } from '#data/data-parts.ts';
import type { FoundData } from '#data/data-store.ts';
import { allFilesOf, type FoundFile } from '#data/file-store.ts';
import { makeArchiveNames } from '#kit/archives/archive-names.ts';
import { type Archive, ARCHIVE_ENTRIES_LIMIT } from '#kit/archives/archives.ts';
import { streamSource } from '#kit/archives/sources.ts';
import type { ArchiveEntry } from '#kit/archives/write-zip.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { makePreview } from '#kit/preview/preview.ts';
import { isSodateError, SodateError } from '@sodate/contract/errors.ts';
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
export async function archiveDataFiles(parts: Pick<DataParts, 'db' | 'store'>, tenant: TenantId, data: FoundData): Promise<Archive> {
  const files = await allFilesOf(parts.db, tenant, data.id);
  const names = makeArchiveNames();
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    for (const file of files) yield entryOf(parts.store, tenant, file, names.file(file.name));
  }
  return { name: `data-${data.number}`, entries };
}

/**
 * The files of several data, each below a folder with its number and name. The files of one are looked up when its turn comes.
 * @throws SodateError `too-many`
 */
export function archiveSomeDataFiles({ db, store }: Pick<DataParts, 'db' | 'store'>, tenant: TenantId, data: readonly FoundData[]): Archive {
  const files = data.reduce((sum, { fileCount }) => sum + fileCount, 0);
  if (files > ARCHIVE_ENTRIES_LIMIT) throw new SodateError('too-many', { limit: ARCHIVE_ENTRIES_LIMIT, things: 'files in one archive; fetch fewer data' });
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    const names = makeArchiveNames();
    for (const one of data) {
      const folder = `${one.number} ${one.name.replaceAll('/', '_').slice(0, FOLDER_NAME_LENGTH)}`.trim();
      for (const file of await allFilesOf(db, tenant, one.id)) yield entryOf(store, tenant, file, names.file(`${folder}/${file.name}`));
    }
  }
  return {
    name: `data-${data
      .map(({ number }) => number)
      .slice(0, NAMED_IN_ARCHIVE)
      .join('-')}${data.length > NAMED_IN_ARCHIVE ? '-and-more' : ''}`,
    entries,
  };
}

/** Long names would leave no room for the files' own where names of 255 bytes are the end. */
const FOLDER_NAME_LENGTH = 60;
const NAMED_IN_ARCHIVE = 5;

const entryOf = (store: Pick<ObjectStore, 'read'>, tenant: TenantId, file: Pick<FoundFile, 'size' | 'blob'>, name: string): ArchiveEntry => ({
  name,
  // Files of a data have no time of their own; without one the same files make the same archive.
  modifiedAt: new Date(0),
  open: async () => {
    try {
      return streamSource(file.size, await store.read(tenant, file.blob));
    } catch (error) {
      if (isSodateError(error) && error.code === 'not-found') return null;
      throw error;
    }
  },
});
