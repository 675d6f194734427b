import { checkFileNames } from '#data/check-file-names.ts';
import { claimBlobs } from '#data/claim-blobs.ts';
import type { DataParts } from '#data/data-parts.ts';
import { findDataRow, type FoundData } from '#data/data-store.ts';
import { checkRoomFor, countFiles, filesById, namesInTheWay } from '#data/file-store.ts';
import { recordDirectParts } from '#data/part-addresses.ts';
import { missingParts } from '#data/receive-part.ts';
import { countParts, findUploads, type StoredUpload } from '#data/upload-store.ts';
import { changeData } from '#datasets/datasets.ts';
import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { forEachTogether } from '#kit/for-each-together.ts';
import { blobOfUpload, partCountOf } from '#kit/object-store/object-store.ts';
import type { DataFile } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** A store at the other end of a network takes some milliseconds for each. */
const TOGETHER = 16;

type Parts = Pick<DataParts, 'db' | 'store' | 'gate' | 'changes' | 'log'>;

interface Asked {
  readonly tenant: TenantId;
  readonly data: string;
  readonly uploads: readonly { readonly id: UploadId; readonly digest?: string | undefined }[];
  readonly now: Date;
}

/**
 * Adds uploaded files to a data: all or none. A file has its upload's id, so asking again after an answer that was lost
 * finds the files and answers the same.
 *
 * Bytes durable under their blob's name → rows, one transaction → leftovers away. If the process dies before the commit,
 * the uploads are still there and can be completed again; after it, the files are stored and the sweep clears away what
 * is still pending. An equal blob that was there before is used, and ours removed.
 */
export async function completeUploadsOf(parts: Parts, asked: Asked): Promise<DataFile[]> {
  const { db, gate, changes } = parts;
  const data = await findDataRow(db, asked.tenant, asked.data);
  const ids = asked.uploads.map(({ id }) => id);
  if (new Set(ids).size < ids.length) throw new SodateError('invalid-request', { details: 'an upload is named twice' });
  const files = await gate.end(ids, 'refuse', async () => {
    const uploads = await findUploads(db, asked.tenant, ids);
    const open = uploads.filter((upload) => upload.data === data.id && upload.expiresAt > asked.now);
    const done = await filesById(db, asked.tenant, data.id, ids);
    const unknown = ids.find((id) => !open.some((upload) => upload.id === id) && !done.some((file) => (file.id as string) === id));
    if (unknown) throw new SodateError('not-found', { thing: 'upload', reference: unknown });
    if (open.length > 0) await store(parts, data, open, asked);
    return filesById(db, asked.tenant, data.id, ids);
  });
  changes.publish({ tenant: asked.tenant, topic: 'data', id: data.id, change: 'updated' });
  return files;
}

async function store({ db, store, log }: Parts, data: FoundData, uploads: readonly StoredUpload[], { tenant, uploads: asked, now }: Asked): Promise<void> {
  await forEachTogether(uploads, TOGETHER, (upload) => recordDirectParts({ db, store }, upload));
  const arrived = await countParts(
    db,
    tenant,
    uploads.map(({ id }) => id),
  );
  for (const upload of uploads) {
    if ((arrived.get(upload.id) ?? 0) === partCountOf(upload)) continue;
    throw new SodateError('upload-incomplete', { reference: upload.id, missing: (await missingParts(db, upload)) ?? 'a part' });
  }
  const sealed = await store.seal(uploads);
  const finished = uploads.map((upload) => ({ upload, blob: blobOfUpload(upload.id), size: upload.size, digest: sealed.get(upload.id)?.digest ?? '' }));
  for (const { upload, digest } of finished) {
    const expected = asked.find(({ id }) => id === upload.id)?.digest;
    if (expected !== undefined && expected !== digest) throw new SodateError('digest-differs', { name: upload.name, actual: digest, expected });
  }

  const claimed = await changeData(db, tenant, data, async (tx) => {
    const names = uploads.map(({ name }) => name);
    await checkRoomFor(tx, tenant, data.id, names.length);
    checkFileNames(await namesInTheWay(tx, tenant, data.id, names), names);
    const blobs = await claimBlobs(tx, tenant, finished, now);
    await insertFiles(tx, finished, blobs, now);
    await sql`delete from uploads where tenant_id = ${tenant} and id = any(${uploads.map(({ id }) => id as string)}::uuid[])`.execute(tx);
    await countFiles(tx, tenant, data.id);
    return blobs;
  });

  try {
    await forEachTogether(finished, TOGETHER, async ({ upload, blob, digest }) => {
      if (claimed.get(digest) !== blob) await store.removeBlob(tenant, blob);
      await store.forget(tenant, upload.id);
    });
  } catch (error) {
    // The files are stored. What is left pending is removed by the sweep.
    log.warn({ err: error, data: data.id }, 'leftovers of completed uploads could not be removed yet');
  }
}

async function insertFiles(
  tx: DatabaseTransaction,
  finished: readonly { readonly upload: StoredUpload; readonly digest: string }[],
  blobs: ReadonlyMap<string, string>,
  now: Date,
): Promise<void> {
  await tx
    .insertInto('data_files')
    .values(
      finished.map(({ upload, digest }) => ({
        tenant_id: upload.tenant,
        data_id: upload.data,
        id: upload.id,
        name: upload.name,
        blob_id: blobs.get(digest) ?? upload.id,
        created_at: now,
      })),
    )
    .execute();
}
