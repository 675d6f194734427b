import { completeUploadsOf } from '#data/complete-uploads.ts';
import { createDataFrom, updateDataOf } from '#data/create-data.ts';
import type { DataParts } from '#data/data-parts.ts';
import { findDataRow, type FoundData, listDataPage, readData } from '#data/data-store.ts';
import { deleteDataOf, deleteFileOf } from '#data/delete-data.ts';
import { archiveDataFiles, archiveSomeDataFiles, previewFile } from '#data/look-at-files.ts';
import { findFile, listFilePage } from '#data/file-store.ts';
import { partAddressOf } from '#data/part-addresses.ts';
import { openFiles } from '#data/read-files.ts';
import { receiveBundle } from '#data/receive-bundle.ts';
import type { Archives } from '#kit/archives/archives.ts';
import { receivePart } from '#data/receive-part.ts';
import { giveUpUpload } from '#data/remove-uploads.ts';
import { listOpenUploads, resumeUpload, startUploadsOf } from '#data/start-uploads.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import { sendBundle } from '#kit/http/send-bundle.ts';
import { sendDownload } from '#kit/http/send-download.ts';
import {
  abortUpload,
  addFiles,
  archiveData,
  archiveSomeData,
  completeUploads,
  createData,
  type Data,
  deleteData,
  deleteDataFile,
  getData,
  getDataFile,
  getPartAddress,
  getUpload,
  listData,
  listDataFiles,
  listUploads,
  PART_CHECKSUM_HEADER,
  previewDataFile,
  putPart,
  readFiles,
  startUploads,
  updateData,
} from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { DataId, type TenantId, type UploadId } from '@sodate/contract/ids.ts';
import { Readable } from 'node:stream';

/** Ids come in either case; the gate and the store know one. */
const canonical = (upload: UploadId): UploadId => upload.toLowerCase() as UploadId;

export function bindDataRoutes(binder: Binder, parts: DataParts & { readonly archives: Archives }): void {
  const { db, store, changes, clock } = parts;

  const present = async (tenant: TenantId, id: DataId): Promise<Data> => {
    const data = await readData(db, tenant, id);
    if (!data) throw new SodateError('not-found', { thing: 'data', reference: id });
    return data;
  };

  binder.bind(listData, ({ query, tenant }) => listDataPage(db, tenant.id, query, clock.now()));

  binder.bind(
    createData,
    async ({ body, tenant, caller, newId }) => {
      const id = DataId.parse(newId);
      await createDataFrom(db, tenant.id, { ...body, id, createdBy: caller.user }, clock.now());
      changes.publish({ tenant: tenant.id, topic: 'data', id, change: 'created' });
      return present(tenant.id, id);
    },
    ({ tenant, newId }) => readData(db, tenant.id, DataId.parse(newId)),
  );

  binder.bind(getData, async ({ params, tenant }) => {
    const { id } = await findDataRow(db, tenant.id, params.data);
    return present(tenant.id, id);
  });

  binder.bind(updateData, async ({ params, body, tenant }) => {
    const { id } = await findDataRow(db, tenant.id, params.data);
    await updateDataOf(db, tenant.id, id, body);
    changes.publish({ tenant: tenant.id, topic: 'data', id, change: 'updated' });
    return present(tenant.id, id);
  });

  binder.bind(deleteData, ({ params, tenant }) => deleteDataOf(parts, tenant.id, params.data, clock.now()));

  binder.bind(listDataFiles, async ({ params, query, tenant }) => {
    const { id } = await findDataRow(db, tenant.id, params.data);
    return listFilePage(db, tenant.id, id, query);
  });

  binder.bind(getDataFile, async ({ params, tenant, request, reply }) => {
    const { id } = await findDataRow(db, tenant.id, params.data);
    const file = await findFile(db, tenant.id, id, params.file);
    const { direct } = store;
    await sendDownload(request, reply, {
      name: file.name,
      size: file.size,
      digest: file.digest,
      open: (range) => store.read(tenant.id, file.blob, range),
      ...(direct === null ? {} : { addressOf: (disposition) => direct.blobAddress(tenant.id, file.blob, disposition) }),
    });
  });

  binder.bind(readFiles, async ({ params, body, tenant, request, reply }) => {
    const { id } = await findDataRow(db, tenant.id, params.data);
    const { length, pieces } = await openFiles(parts, { tenant: tenant.id, data: id, files: body.files });
    await sendBundle(request, reply, pieces, length);
  });

  binder.bind(previewDataFile, async ({ params, tenant }) => {
    const { id } = await findDataRow(db, tenant.id, params.data);
    return previewFile(store, tenant.id, await findFile(db, tenant.id, id, params.file));
  });

  binder.bind(archiveData, async ({ params, tenant, request, reply }) => {
    const data = await findDataRow(db, tenant.id, params.data);
    await parts.archives.send(tenant.id, request, reply, () => archiveDataFiles(parts, tenant.id, data));
  });

  binder.bind(archiveSomeData, async ({ query, tenant, request, reply }) => {
    const found = new Map<string, FoundData>();
    for (const reference of query.data) {
      const data = await findDataRow(db, tenant.id, reference);
      found.set(data.id, data);
    }
    await parts.archives.send(tenant.id, request, reply, async () => archiveSomeDataFiles(parts, tenant.id, [...found.values()]));
  });

  binder.bind(deleteDataFile, ({ params, tenant }) => deleteFileOf(parts, tenant.id, params.data, params.file));

  binder.bind(addFiles, ({ params, stream, tenant }) => {
    if (!(stream instanceof Readable)) throw new SodateError('invalid-request', { details: 'send the bundle as application/octet-stream, and not empty' });
    return receiveBundle(parts, { tenant: tenant.id, data: params.data, body: stream });
  });

  binder.bind(startUploads, async ({ params, body, tenant, caller }) => ({
    uploads: await startUploadsOf(parts, { tenant: tenant.id, data: params.data, files: body.files, user: caller.user, now: clock.now() }),
  }));

  binder.bind(listUploads, ({ params, query, tenant, caller }) =>
    listOpenUploads(parts, { tenant: tenant.id, data: params.data, user: caller.user, now: clock.now() }, query),
  );

  binder.bind(getUpload, ({ params, tenant }) => resumeUpload(parts, tenant.id, canonical(params.upload), clock.now()));

  binder.bind(putPart, async ({ params, query, stream, request, reply }) => {
    // Bodies declared as JSON were parsed before they came here.
    if (!(stream instanceof Readable)) throw new SodateError('invalid-request', { details: 'send the part as application/octet-stream, and not empty' });
    const length = request.headers['content-length'];
    const crc32 = request.headers[PART_CHECKSUM_HEADER];
    if (crc32 !== undefined && !/^[0-9a-f]{8}$/.test(String(crc32)))
      throw new SodateError('invalid-request', { details: `the header ${PART_CHECKSUM_HEADER} must be 8 hexadecimal digits` });
    const sent = await receivePart(
      parts,
      {
        ...params,
        upload: canonical(params.upload),
        ...query,
        body: stream,
        length: length === undefined ? null : Number(length),
        crc32: crc32 === undefined ? null : String(crc32),
      },
      clock.now(),
    );
    reply.header('etag', sent.etag);
    return sent;
  });

  binder.bind(getPartAddress, ({ params, query }) => partAddressOf(parts, { ...params, upload: canonical(params.upload), ...query }, clock.now()));

  binder.bind(completeUploads, async ({ params, body, tenant }) => ({
    files: await completeUploadsOf(parts, {
      tenant: tenant.id,
      data: params.data,
      uploads: body.uploads.map((upload) => ({ ...upload, id: canonical(upload.id) })),
      now: clock.now(),
    }),
  }));

  binder.bind(abortUpload, ({ params, tenant }) => giveUpUpload(parts, tenant.id, canonical(params.upload)));
}
