import { collectBlobs } from '#data/collect-blobs.ts';
import type { DataParts } from '#data/data-parts.ts';
import { findDataRow } from '#data/data-store.ts';
import { countFiles, findFile } from '#data/file-store.ts';
import { removeUploadBytes } from '#data/remove-uploads.ts';
import { changeData, removeDataFromDatasets } from '#datasets/datasets.ts';
import { BlobId } from '#kit/object-store/object-store.ts';
import { markLineageDeleted, refuseWhenStoodOn } from '#lineage/lineage.ts';
import { type FileId, type TenantId, UploadId } from '@sodate/contract/ids.ts';

type Parts = Pick<DataParts, 'db' | 'store' | 'gate' | 'changes' | 'log'>;

const COLLECTED_TOGETHER = 500;
const COLLECTED_AT_ONCE = 2_000;

/**
 * Deletes a data with its files and open uploads, and takes it out of unlocked data sets. The bytes go after the commit.
 * @throws SodateError `in-use` naming the locked data sets, and the data derived from it
 */
export async function deleteDataOf(parts: Parts, tenant: TenantId, reference: string, now: Date): Promise<void> {
  const { db, store, gate, changes, log } = parts;
  const data = await findDataRow(db, tenant, reference);
  const standing = { kind: 'data', id: data.id, thing: 'Data', reference: `#${data.number}` } as const;
  // Asked twice: here for all that stands in the way, below for what came meanwhile.
  await refuseWhenStoodOn(db, tenant, standing);
  const removed = await changeData(db, tenant, data, async (tx) => {
    await refuseWhenStoodOn(tx, tenant, standing);
    const datasets = await removeDataFromDatasets(tx, tenant, data.id);
    const uploads = await tx.deleteFrom('uploads').where('tenant_id', '=', tenant).where('data_id', '=', data.id).returning('id').execute();
    const files = await tx.deleteFrom('data_files').where('tenant_id', '=', tenant).where('data_id', '=', data.id).returning('blob_id').execute();
    await tx.deleteFrom('data').where('tenant_id', '=', tenant).where('id', '=', data.id).execute();
    await markLineageDeleted(tx, tenant, { kind: 'data', id: data.id }, now);
    return { datasets, uploads: uploads.map((row) => UploadId.parse(row.id)), blobs: [...new Set(files.map((row) => BlobId.parse(row.blob_id)))] };
  });
  changes.publish({ tenant, topic: 'data', id: data.id, change: 'deleted' });
  for (const dataset of removed.datasets) changes.publish({ tenant, topic: 'dataset', id: dataset, change: 'updated' });
  // Senders find no row any more; those that are writing are stopped first, or they would leave a file behind.
  for (const upload of removed.uploads) await gate.end([upload], 'stop', () => removeUploadBytes({ store, log }, tenant, upload));
  // Of a data of very many files the caller does not wait for all; the sweep removes the rest.
  for (let at = 0; at < Math.min(removed.blobs.length, COLLECTED_AT_ONCE); at += COLLECTED_TOGETHER)
    await collectBlobs(parts, tenant, removed.blobs.slice(at, at + COLLECTED_TOGETHER));
}

/** @throws SodateError `in-use` naming the locked data sets */
export async function deleteFileOf(parts: Parts, tenant: TenantId, reference: string, file: FileId): Promise<void> {
  const { db, changes } = parts;
  const data = await findDataRow(db, tenant, reference);
  const blob = await changeData(db, tenant, data, async (tx) => {
    const found = await findFile(tx, tenant, data.id, file);
    await tx.deleteFrom('data_files').where('tenant_id', '=', tenant).where('id', '=', file).execute();
    await countFiles(tx, tenant, data.id);
    return found.blob;
  });
  changes.publish({ tenant, topic: 'data', id: data.id, change: 'updated' });
  await collectBlobs(parts, tenant, [blob]);
}
