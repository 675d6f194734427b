import { z } from 'zod';
import { FileName } from './names.ts';
import { Instant, pageOf, Person } from './paging.ts';
import { Preview } from './preview.ts';
import { defineRoute } from './route.ts';
import { OutputPath } from './run-routes.ts';
import { RunParams } from './runs.ts';

/** An attachment is sent in one piece; what is larger belongs into a data. */
export const ATTACHMENT_BYTES_LIMIT = 1024 ** 3;
/** What people may attach to one run. */
export const ATTACHMENTS_LIMIT = 1_000;

/**
 * A file beside a run, in the folder that its job sees as `/kqi/attach`. People put files there, before or after the run
 * as well as during it, and so does the job; what the job wrote goes away with the run only.
 */
export const Attachment = z.object({
  /** As in an output folder: bytes that are not UTF-8 are characters from U+EF80 to U+EFFF. */
  name: z.string(),
  /** `other` and folders are the job's. */
  kind: z.enum(['file', 'folder', 'other']),
  size: z.number().int().nullable(),
  modifiedAt: Instant.nullable(),
  /** Who attached it; null = the job wrote it. */
  attachedBy: Person.nullable(),
  attachedAt: Instant.nullable(),
  /** Of what was attached, `sha256:…`. A job that is not sandboxed could have changed it since. */
  digest: z.string().nullable(),
});
export type Attachment = z.infer<typeof Attachment>;

export const AttachmentName = FileName.refine((name) => !name.includes('/'), 'must be a plain file name without folders');

export const listAttachments = defineRoute({
  id: 'attachments.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/attachments',
  permission: 'tenant-viewer',
  summary: 'The files beside a run, by name: what people attached and what the job wrote into /kqi/attach',
  params: RunParams,
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(200), cursor: z.string().max(2048).optional() }),
  response: pageOf(Attachment),
  errors: ['invalid-cursor'],
});

export const attachFile = defineRoute({
  id: 'attachments.add',
  method: 'POST',
  path: '/v1/tenants/{tenant}/runs/{run}/attachments',
  permission: 'tenant-member',
  summary: 'Attach a file to a run; the body is its bytes. Attaching the same bytes under the same name again changes nothing',
  params: RunParams,
  query: z.strictObject({
    name: AttachmentName,
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .optional(),
  }),
  takes: 'bytes',
  response: Attachment,
  status: 201,
  errors: ['name-taken', 'digest-differs', 'body-too-large', 'too-many', 'disk-full'],
});

export const getAttachment = defineRoute({
  id: 'attachments.content',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/attachments/content',
  permission: 'tenant-viewer',
  summary: 'The bytes of a file beside a run; ranges are supported',
  params: RunParams,
  query: z.strictObject({ name: OutputPath }),
  answers: 'bytes',
  errors: ['range-not-satisfiable'],
});

export const previewAttachment = defineRoute({
  id: 'attachments.preview',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/attachments/preview',
  permission: 'tenant-viewer',
  summary: 'What can be shown of a file beside a run by its beginning',
  params: RunParams,
  query: z.strictObject({ name: OutputPath }),
  response: Preview,
});

export const detachFile = defineRoute({
  id: 'attachments.remove',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/runs/{run}/attachments',
  permission: 'tenant-member',
  summary: 'Remove a file that somebody attached; what the job wrote stays with the run',
  params: RunParams,
  query: z.strictObject({ name: AttachmentName }),
  errors: ['written-by-job'],
});

export const attachmentRoutes = [listAttachments, attachFile, getAttachment, previewAttachment, detachFile];
