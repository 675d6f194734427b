import type { Clock } from '#kit/clock.ts';
import type { FolderEntry, ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import { type AttachmentParts, attachToRun, detachFromRun } from '#runs/attachments/attach-file.ts';
import { type AttachedRow, readAttached } from '#runs/attachments/attachment-store.ts';
import { previewInside, sendFileInside } from '#runs/file-inside.ts';
import { findRun } from '#runs/find-run.ts';
import { decodePlace, encodePlace } from '#runs/output-routes.ts';
import { type Attachment, attachFile, detachFile, getAttachment, listAttachments, previewAttachment } from '@sodate/contract/attachments.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import { Readable } from 'node:stream';
import type { z } from 'zod';

interface AttachmentRouteParts extends AttachmentParts {
  readonly clock: Clock;
  readonly foreignFolders: Pick<ForeignFolders, 'list'>;
}

/** Files beside a run: the folder says what is there, its rows say what of it people attached. */
export function bindAttachmentRoutes(binder: Binder, parts: AttachmentRouteParts): void {
  const { db, staging, clock, foreignFolders } = parts;
  const open = (run: RunId, name: string) => openInside(staging.folders.attach(run), name);

  binder.bind(listAttachments, async ({ tenant, params, query }) => {
    const run = await findRun(db, tenant.id, params.run);
    const page = await foreignFolders.list(staging.folders.attach(run.id), '', { after: decodePlace(query.cursor), limit: query.limit });
    if (page === null) return { items: [], nextCursor: null, total: { count: 0, exact: true } };
    const attached = await readAttached(
      db,
      tenant.id,
      run.id,
      page.entries.map(({ name }) => name),
    );
    return { items: page.entries.map((entry) => show(entry, attached.get(entry.name))), nextCursor: encodePlace(page.after), total: page.total };
  });

  binder.bind(attachFile, async ({ tenant, caller, params, query, stream, request, newId }) => {
    // Bodies declared as JSON were parsed before they came here.
    const body = stream ?? Readable.from([]);
    if (!(body instanceof Readable)) throw new SodateError('invalid-request', { details: 'send the file as application/octet-stream' });
    const run = await findRun(db, tenant.id, params.run);
    const length = request.headers['content-length'];
    await attachToRun(
      parts,
      tenant.id,
      { ...query, id: newId, run, body, digest: query.digest, length: length === undefined ? null : Number(length), createdBy: caller.user },
      clock.now(),
    );
    const [row, file] = await Promise.all([readAttached(db, tenant.id, run.id, [query.name]), open(run.id, query.name)]);
    await file?.file.close();
    return show({ name: query.name, kind: 'file', size: file?.size ?? null, modifiedAt: file?.modifiedAt ?? null }, row.get(query.name));
  });

  binder.bind(getAttachment, async ({ tenant, params, query, request, reply }) => {
    const run = await findRun(db, tenant.id, params.run);
    await sendFileInside(request, reply, await open(run.id, query.name), { name: query.name, thing: 'attachment' });
  });

  binder.bind(previewAttachment, async ({ tenant, params, query }) => {
    const run = await findRun(db, tenant.id, params.run);
    return previewInside(await open(run.id, query.name), { name: query.name, thing: 'attachment' });
  });

  binder.bind(detachFile, async ({ tenant, params, query }) => detachFromRun(parts, tenant.id, await findRun(db, tenant.id, params.run), query.name));
}

function show({ name, kind, size, modifiedAt }: FolderEntry, row: AttachedRow | undefined): z.input<typeof Attachment> {
  return {
    name,
    kind,
    size,
    modifiedAt: modifiedAt?.toISOString() ?? null,
    attachedBy: row === undefined ? null : { id: row.created_by, name: row.person_name, displayName: row.person_display_name },
    attachedAt: row?.created_at.toISOString() ?? null,
    digest: row?.digest ?? null,
  };
}
