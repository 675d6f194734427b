import { type DatasetFile, streamDatasetFiles } from '#datasets/dataset-files.ts';
import type { FoundDataset } from '#datasets/dataset-store.ts';
import { makeArchiveNames } from '#kit/archives/archive-names.ts';
import { type Archive, ARCHIVE_ENTRIES_LIMIT } from '#kit/archives/archives.ts';
import { streamSource } from '#kit/archives/sources.ts';
import type { ArchiveEntry } from '#kit/archives/write-zip.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { isSodateError, SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

interface Parts {
  readonly db: Database;
  readonly store: Pick<ObjectStore, 'read'>;
}

/**
 * The files of a data set, as a job sees them below `/kqi/input`. One that is not locked may change meanwhile: what is
 * gone is left out.
 * @throws SodateError `too-many`
 */
export async function archiveDatasetFiles({ db, store }: Parts, tenant: TenantId, dataset: FoundDataset): Promise<Archive> {
  const { files } = await db
    .selectFrom('dataset_entries')
    .innerJoin('data', 'data.id', 'dataset_entries.data_id')
    .select(({ fn }) => fn.sum<number | null>('data.file_count').as('files'))
    .where('dataset_entries.tenant_id', '=', tenant)
    .where('dataset_entries.dataset_id', '=', dataset.id)
    .executeTakeFirstOrThrow();
  if (Number(files) > ARCHIVE_ENTRIES_LIMIT)
    throw new SodateError('too-many', { limit: ARCHIVE_ENTRIES_LIMIT, things: 'files in one archive; fetch its data' });

  const open = (file: DatasetFile) => async () => {
    try {
      return streamSource(file.blob.size, await store.read(tenant, file.blob.id));
    } catch (error) {
      if (isSodateError(error) && error.code === 'not-found') return null;
      throw error;
    }
  };
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    const names = makeArchiveNames();
    // Files of a data have no time of their own; without one the same files make the same archive.
    const modifiedAt = new Date(0);
    for await (const file of streamDatasetFiles(db, tenant, dataset.id)) {
      const folder = file.type === 'flat' ? '' : `${file.type}/`;
      yield { name: names.file(`${folder}${file.dataNumber}/${file.name}`), modifiedAt, open: open(file) };
    }
  }
  return { name: `dataset-${dataset.number}`, entries };
}
