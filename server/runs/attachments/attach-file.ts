import type { Database } from '#kit/db/open-database.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { syncFolder } from '#kit/object-store/sync-folder.ts';
import { countAttached, deleteAttached, type NewAttachment, putAttached, readAttached } from '#runs/attachments/attachment-store.ts';
import { receiveFile } from '#runs/attachments/receive-file.ts';
import type { FoundRun } from '#runs/find-run.ts';
import type { Staging } from '#staging/staging.ts';
import { ATTACHMENT_BYTES_LIMIT, ATTACHMENTS_LIMIT } from '@sodate/contract/attachments.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';
import { link, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

export interface AttachmentParts {
  readonly db: Database;
  readonly staging: Pick<Staging, 'folders' | 'makeAttachFolder' | 'arrival'>;
}

export interface FileToAttach {
  readonly id: string;
  readonly run: FoundRun;
  readonly name: string;
  readonly digest: string | undefined;
  readonly body: Readable;
  /** As its sender announces it, in bytes; null = not said. */
  readonly length: number | null;
  readonly createdBy: UserId;
}

/**
 * Puts a file beside a run. It arrives elsewhere and gets its name by a link, which never replaces what is there and
 * follows nothing. The same bytes under the same name are the same attachment, so that a request whose answer was lost can
 * be sent again, also when this process died between the link and the row.
 * @throws SodateError `name-taken`, `digest-differs`, `body-too-large`, `too-many`, or `not-found` for a run deleted meanwhile
 */
export async function attachToRun({ db, staging }: AttachmentParts, tenant: TenantId, ask: FileToAttach, now: Date): Promise<void> {
  const { run, name } = ask;
  if ((ask.length ?? 0) > ATTACHMENT_BYTES_LIMIT)
    throw new SodateError('body-too-large', { limit: `${ATTACHMENT_BYTES_LIMIT / 1024 ** 3} GiB; put a larger file into a data` });
  if ((await countAttached(db, tenant, run.id)) >= ATTACHMENTS_LIMIT)
    throw new SodateError('too-many', { limit: ATTACHMENTS_LIMIT, things: 'attachments of one run' });
  const received = await receiveFile(ask.body, staging.arrival(), { bytes: ATTACHMENT_BYTES_LIMIT, digest: ask.digest, name });
  const folder = staging.folders.attach(run.id);
  const row: NewAttachment = { id: ask.id, run: run.id, name, size: received.size, digest: received.digest, createdBy: ask.createdBy };
  try {
    await db.transaction().execute(async (tx) => {
      // Nobody deletes the run and its folders while the file gets its name.
      const held = await tx.selectFrom('runs').select('id').where('tenant_id', '=', tenant).where('id', '=', run.id).forKeyShare().executeTakeFirst();
      if (held === undefined) throw new SodateError('not-found', { thing: 'run', reference: run.id });
      const known = (await readAttached(tx, tenant, run.id, [name])).get(name);
      if (known === undefined || known.digest !== received.digest) await putAttached(tx, tenant, row, now);
      staging.makeAttachFolder(run.id);
      if (!(await linkOrFindSame(received, folder, name))) throw new SodateError('name-taken', { thing: 'file beside this run', name });
      await syncFolder(folder);
    });
  } finally {
    await rm(received.path, { force: true });
  }
}

/** @returns false when something else has the name */
async function linkOrFindSame(
  received: { readonly path: string; readonly size: number; readonly digest: string },
  folder: string,
  name: string,
): Promise<boolean> {
  try {
    await link(received.path, path.join(folder, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const there = await openInside(folder, name);
  if (there === null) return false;
  try {
    if (there.size !== received.size) return false;
    const hash = createHash('sha256');
    for await (const chunk of there.file.createReadStream({ autoClose: false, end: Math.max(0, there.size - 1) })) hash.update(chunk as Buffer);
    return `sha256:${hash.digest('hex')}` === received.digest;
  } finally {
    await there.file.close();
  }
}

/**
 * Takes away what somebody attached. First the file, then the row: if the process dies in between, the row without a file
 * shows nowhere, and doing it again ends it.
 * @throws SodateError `not-found`, `written-by-job`
 */
export async function detachFromRun({ db, staging }: AttachmentParts, tenant: TenantId, run: FoundRun, name: string): Promise<void> {
  const attached = (await readAttached(db, tenant, run.id, [name])).get(name);
  const folder = staging.folders.attach(run.id);
  if (attached === undefined) {
    const there = await openInside(folder, name);
    await there?.file.close();
    throw there === null ? new SodateError('not-found', { thing: 'attachment', reference: name }) : new SodateError('written-by-job', { name });
  }
  await rm(path.join(folder, name), { force: true }).catch((error: NodeJS.ErrnoException) => {
    // The job has put a folder in its place: that is the job's.
    if (error.code !== 'ERR_FS_EISDIR' && error.code !== 'EISDIR') throw error;
  });
  await deleteAttached(db, tenant, run.id, name);
}
