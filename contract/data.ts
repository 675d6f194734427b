import { z } from 'zod';
import { DataId, FileId, NamedRef, ThingRef, UploadId } from './ids.ts';
import { FileName, Memo, Tag, Tags, Title } from './names.ts';
import { ARCHIVED_THINGS_LIMIT, Instant, oneOrMore, PageQuery, pageOf, Person, repeated, SearchText } from './paging.ts';
import { Preview } from './preview.ts';
import { defineRoute } from './route.ts';
import { SearchParameters } from './search.ts';
import { TenantParams } from './tenants.ts';

/** At most this many files in one data. */
export const FILES_PER_DATA_LIMIT = 1_000_000;
/** At most this many files started or completed by one request. */
export const FILES_PER_REQUEST_LIMIT = 1_000;
/** A file is sent in parts of this many bytes, or more where the store asks it of a very large file; only the last may be smaller. */
export const UPLOAD_PART_BYTES = 16 * 1024 * 1024;
export const FILE_BYTES_LIMIT = 5 * 1024 ** 4;
/** A file in a bundle has at most this many bytes; larger ones go in parts. */
export const BUNDLED_FILE_BYTES_LIMIT = 1024 * 1024;
/** The bytes of all files of a bundle together. */
export const BUNDLE_BYTES_LIMIT = 32 * 1024 * 1024;
export const BUNDLE_HEAD_BYTES_LIMIT = 4 * 1024 * 1024;
/** Request header of a part: the CRC-32 of its bytes, 8 hexadecimal digits. What arrives otherwise is refused. */
export const PART_CHECKSUM_HEADER = 'x-part-crc32';

export const Data = z.object({
  id: DataId,
  number: z.number().int(),
  name: z.string(),
  memo: z.string(),
  tags: z.array(z.string()),
  /** The data this one was derived from. */
  parent: z.object({ id: DataId, number: z.number().int(), name: z.string() }).nullable(),
  fileCount: z.number().int(),
  /** Bytes of all files together. */
  totalSize: z.number().int(),
  createdAt: Instant,
  createdBy: Person,
});
export type Data = z.infer<typeof Data>;

export const DataFile = z.object({
  id: FileId,
  name: z.string(),
  size: z.number().int(),
  /** `sha256:` and 64 hexadecimal digits. */
  digest: z.string(),
});
export type DataFile = z.infer<typeof DataFile>;

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, '`sha256:` and 64 hexadecimal digits');

const DataParams = TenantParams.extend({ data: ThingRef });

export const listData = defineRoute({
  id: 'data.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data',
  permission: 'tenant-viewer',
  summary: 'Data, newest first; every given condition must hold',
  params: TenantParams,
  query: PageQuery.extend({ text: SearchText, tag: repeated(Tag), createdBy: NamedRef.optional(), ...SearchParameters }),
  response: pageOf(Data),
  errors: ['search-not-understood', 'search-too-slow'],
});

export const createData = defineRoute({
  id: 'data.create',
  method: 'POST',
  path: '/v1/tenants/{tenant}/data',
  permission: 'tenant-member',
  summary: 'Create a data; its files follow by upload',
  params: TenantParams,
  body: z.strictObject({ name: Title, memo: Memo.default(''), tags: Tags.default([]), parent: ThingRef.optional() }),
  response: Data,
  status: 201,
  idempotent: true,
});

export const getData = defineRoute({
  id: 'data.get',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data/{data}',
  permission: 'tenant-viewer',
  summary: 'One data',
  params: DataParams,
  response: Data,
});

export const updateData = defineRoute({
  id: 'data.update',
  method: 'PATCH',
  path: '/v1/tenants/{tenant}/data/{data}',
  permission: 'tenant-member',
  summary: 'Change name, memo or tags, also where the files are locked',
  params: DataParams,
  body: z.strictObject({ name: Title.optional(), memo: Memo.optional(), tags: Tags.optional() }),
  response: Data,
});

export const deleteData = defineRoute({
  id: 'data.delete',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/data/{data}',
  permission: 'tenant-member',
  summary: 'Delete a data and its files',
  params: DataParams,
  errors: ['in-use'],
});

export const listDataFiles = defineRoute({
  id: 'data.listFiles',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data/{data}/files',
  permission: 'tenant-viewer',
  summary: 'The files of a data, by name',
  params: DataParams,
  query: PageQuery.extend({ limit: z.coerce.number().int().min(1).max(1000).default(200) }),
  response: pageOf(DataFile),
});

export const getDataFile = defineRoute({
  id: 'data.getFile',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data/{data}/files/{file}/content',
  permission: 'tenant-viewer',
  summary: 'The bytes of a file; ranges are supported',
  params: DataParams.extend({ file: FileId }),
  answers: 'bytes',
  errors: ['range-not-satisfiable', 'object-store-unavailable'],
});

/**
 * Begins the answer of `readFiles`, which has the form of a bundle: the length of the head in bytes as a 32-bit number, most
 * significant byte first; the head, JSON of this form; then the bytes of the files, in the head's order and with nothing in
 * between. An answer that breaks off is whole as far as it came: each file can be compared with its digest.
 */
export const ReadFilesHead = z.object({ files: z.array(z.object({ id: FileId, size: z.number().int(), digest: z.string() })) });
export type ReadFilesHead = z.infer<typeof ReadFilesHead>;

export const readFiles = defineRoute({
  id: 'data.readFiles',
  method: 'POST',
  path: '/v1/tenants/{tenant}/data/{data}/files/read',
  permission: 'tenant-viewer',
  summary: 'The bytes of many small files by one request; what is no file of this data (any more) is left out of those that are',
  params: DataParams,
  body: z.strictObject({ files: z.array(FileId).min(1).max(FILES_PER_REQUEST_LIMIT) }),
  answers: 'bytes',
  errors: ['object-store-unavailable'],
});

export const previewDataFile = defineRoute({
  id: 'data.previewFile',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data/{data}/files/{file}/preview',
  permission: 'tenant-viewer',
  summary: 'What can be shown of a file by its beginning: an image, a table, JSON, text, or bytes',
  params: DataParams.extend({ file: FileId }),
  response: Preview,
});

export const archiveData = defineRoute({
  id: 'data.archive',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data/{data}/archive',
  permission: 'tenant-viewer',
  summary: 'The files of a data as a zip made while it is read',
  params: DataParams,
  answers: 'bytes',
  errors: ['archives-busy'],
});

export const archiveSomeData = defineRoute({
  id: 'data.archiveSome',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data-archive',
  permission: 'tenant-viewer',
  summary: 'The files of several data, each in a folder of its own, as one zip made while it is read',
  params: TenantParams,
  query: z.strictObject({
    data: oneOrMore(ThingRef, ARCHIVED_THINGS_LIMIT),
  }),
  answers: 'bytes',
  errors: ['too-many', 'archives-busy'],
});

export const deleteDataFile = defineRoute({
  id: 'data.deleteFile',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/data/{data}/files/{file}',
  permission: 'tenant-member',
  summary: 'Remove a file from a data',
  params: DataParams.extend({ file: FileId }),
  errors: ['in-use'],
});

/**
 * Upload protocol: start (which files, how large) → PUT each part to its signed address → complete (all or nothing).
 * A cut-off upload goes on: `getUpload` tells which parts have arrived. An upload that is not completed within its time
 * disappears and leaves nothing. A file of zero bytes has zero parts.
 */
export const Upload = z.object({
  id: UploadId,
  name: z.string(),
  size: z.number().int(),
  partSize: z.number().int(),
  partCount: z.number().int(),
  /** `{part}` is to be replaced by the part's number, from 1. Relative to the server's address. */
  partUrl: z.string(),
  /**
   * Where the store takes parts itself: asks for the address of one, `{part}` as above. Each way can be used for each part.
   */
  addressUrl: z.string().nullable().default(null),
  received: z.array(z.number().int()),
  /** By part number, the CRC-32 of what has arrived: whoever goes on after an interruption sees what need not be sent again. */
  checksums: z.record(z.string(), z.string()).optional(),
  expiresAt: Instant,
});
export type Upload = z.infer<typeof Upload>;

export const startUploads = defineRoute({
  id: 'uploads.start',
  method: 'POST',
  path: '/v1/tenants/{tenant}/data/{data}/uploads',
  permission: 'tenant-member',
  summary: 'Start uploading files into a data',
  params: DataParams,
  body: z.strictObject({
    files: z
      .array(z.strictObject({ name: FileName, size: z.number().int().min(0).max(FILE_BYTES_LIMIT) }))
      .min(1)
      .max(FILES_PER_REQUEST_LIMIT),
  }),
  response: z.object({ uploads: z.array(Upload) }),
  status: 201,
  errors: ['in-use', 'name-taken', 'too-many', 'disk-full'],
});

export const listUploads = defineRoute({
  id: 'uploads.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/data/{data}/uploads',
  permission: 'tenant-member',
  summary: "The caller's own unfinished uploads into a data, oldest first, with what has arrived of each",
  params: DataParams,
  query: PageQuery,
  response: pageOf(Upload),
});

export const getUpload = defineRoute({
  id: 'uploads.get',
  method: 'GET',
  path: '/v1/tenants/{tenant}/uploads/{upload}',
  permission: 'tenant-member',
  summary: 'What of an upload has arrived, with a fresh part address',
  params: TenantParams.extend({ upload: UploadId }),
  response: Upload,
  errors: ['object-store-unavailable'],
});

export const putPart = defineRoute({
  id: 'uploads.putPart',
  method: 'PUT',
  path: '/v1/uploads/{upload}/parts/{part}',
  permission: 'signed-url',
  summary: 'Send one part; sending it again replaces it',
  params: z.object({ upload: UploadId, part: z.coerce.number().int().min(1).max(1_000_000) }),
  query: z.strictObject({ expires: z.coerce.number().int(), signature: z.string().max(128) }),
  takes: 'bytes',
  response: z.object({ etag: z.string() }),
  errors: ['part-out-of-form', 'part-damaged', 'disk-full', 'signature-not-valid', 'wrong-state', 'object-store-unavailable'],
});

export const getPartAddress = defineRoute({
  id: 'uploads.partAddress',
  method: 'GET',
  path: '/v1/uploads/{upload}/parts/{part}/address',
  permission: 'signed-url',
  summary: 'Where one part can be sent to the store itself, by PUT and with exactly its length; null where parts come through the platform',
  params: z.object({ upload: UploadId, part: z.coerce.number().int().min(1).max(1_000_000) }),
  query: z.strictObject({ expires: z.coerce.number().int(), signature: z.string().max(128) }),
  response: z.object({ address: z.string().nullable() }),
  errors: ['object-store-unavailable'],
});

export const completeUploads = defineRoute({
  id: 'uploads.complete',
  method: 'POST',
  path: '/v1/tenants/{tenant}/data/{data}/uploads/complete',
  permission: 'tenant-member',
  summary: 'Add the uploaded files to the data: all of them or none',
  params: DataParams,
  body: z.strictObject({
    uploads: z
      .array(
        z.strictObject({
          id: UploadId,
          digest: Digest.optional(),
        }),
      )
      .min(1)
      .max(FILES_PER_REQUEST_LIMIT),
  }),
  response: z.object({ files: z.array(DataFile) }),
  status: 201,
  errors: ['upload-incomplete', 'digest-differs', 'in-use', 'name-taken', 'too-many', 'disk-full', 'object-store-unavailable'],
});

export const abortUpload = defineRoute({
  id: 'uploads.abort',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/uploads/{upload}',
  permission: 'tenant-member',
  summary: 'Give up an upload and free its space',
  params: TenantParams.extend({ upload: UploadId }),
});

/**
 * Many small files in one request. The body: the length of the head in bytes as a 32-bit number, most significant byte first;
 * the head, JSON of this form; then the bytes of the files, in the head's order and with nothing in between.
 */
export const BundleHead = z.strictObject({
  files: z
    .array(z.strictObject({ name: FileName, size: z.number().int().min(0).max(BUNDLED_FILE_BYTES_LIMIT), digest: Digest.optional() }))
    .min(1)
    .max(FILES_PER_REQUEST_LIMIT),
});
export type BundleHead = z.input<typeof BundleHead>;

export const addFiles = defineRoute({
  id: 'data.addFiles',
  method: 'POST',
  path: '/v1/tenants/{tenant}/data/{data}/files',
  permission: 'tenant-member',
  summary: 'Add many small files by one request; a file that is there already with the same content counts as added',
  params: DataParams,
  takes: 'bytes',
  response: z.object({
    files: z.array(DataFile),
    /** What was left out, and why. The others are in. */
    refused: z.array(z.object({ name: z.string(), code: z.string(), message: z.string() })),
  }),
  status: 201,
  errors: ['in-use', 'too-many', 'disk-full', 'body-too-large'],
});

export const dataRoutes = [
  listData,
  createData,
  getData,
  updateData,
  deleteData,
  listDataFiles,
  getDataFile,
  deleteDataFile,
  addFiles,
  startUploads,
  listUploads,
  getUpload,
  putPart,
  getPartAddress,
  completeUploads,
  abortUpload,
  previewDataFile,
  readFiles,
  archiveData,
  archiveSomeData,
];
