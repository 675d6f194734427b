import { BackupError } from '#backup/backup-error.ts';
import type { BackupWriter } from '#backup/backup-writer.ts';
import { BlobId, blobOfUpload, type ObjectStore, partCountOf, partLengthOf } from '#kit/object-store/object-store.ts';
import { UPLOAD_PART_BYTES } from '@sodate/contract/data.ts';
import { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';

const ROWS_TOGETHER = 2_000;
/** Each waits for the disk most of the time. */
const COPIED_TOGETHER = 4;
const READ_BYTES = 1024 * 1024;

const objectFile = (tenant: string, blob: string): string => `objects/${tenant}/${blob.slice(-2)}/${blob}`;

/** Copies the bytes of every blob that the snapshot of `client` names. @returns what is damaged or missing in the store */
export async function backUpObjects(
  client: pg.ClientBase,
  parts: { readonly store: Pick<ObjectStore, 'read'>; readonly writer: BackupWriter; readonly earlier: string | null },
): Promise<readonly string[]> {
  const troubles: string[] = [];
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const { rows } = await client.query<{ tenant_id: string; id: string; digest: string; size: string }>(
      'select tenant_id, id, digest, size::text from blobs where id > $1 order by id limit $2',
      [after, ROWS_TOGETHER],
    );
    await together(rows, async ({ tenant_id: tenant, id, digest, size }) => {
      const name = objectFile(tenant, id);
      if (parts.earlier !== null && (await parts.writer.addFrom(parts.earlier, name, { size: Number(size), digest }))) return;
      try {
        const added = await parts.writer.add(name, await parts.store.read(TenantId.parse(tenant), BlobId.parse(id)));
        if (added.digest !== digest) troubles.push(`${name} has the digest ${added.digest}, not ${digest}: its disk has damaged it`);
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'not-found') throw error;
        troubles.push(`${name} is missing`);
      }
    });
    if (rows.length < ROWS_TOGETHER) return troubles;
    after = rows.at(-1)?.id ?? after;
  }
}

/** Puts blobs back by the same steps by which they came: parts, seal, forget. */
export function makeObjectRestorer(store: ObjectStore, backup: string) {
  return {
    /** @throws BackupError when the bytes do not have the digest */
    async restore(name: string, file: { readonly size: number; readonly digest: string }): Promise<void> {
      const [, tenantName, , idText] = name.split('/');
      const tenant = TenantId.parse(tenantName);
      const id = UploadId.parse(idText);
      const shape = { tenant, id, size: file.size, partSize: UPLOAD_PART_BYTES };
      const { signal } = new AbortController();
      for (let part = 1; part <= partCountOf(shape); part += 1) {
        const start = (part - 1) * shape.partSize;
        const bytes = createReadStream(path.join(backup, name), { start, end: start + partLengthOf(shape, part) - 1, highWaterMark: READ_BYTES });
        await store.writePart(shape, part, bytes, signal);
      }
      const sealed = await store.seal([shape]);
      const digest = sealed.get(id)?.digest;
      if (digest !== file.digest) {
        await store.removeBlob(tenant, blobOfUpload(id));
        throw new BackupError(`The backup is damaged: ${name} has the digest ${digest}, not ${file.digest}.`);
      }
      await store.forget(tenant, id);
    },
  };
}

/** At most some at once; ends when all have, and throws the first failure. */
export async function together<Item>(items: Iterable<Item> | AsyncIterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for await (const item of items) {
    const one = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= COPIED_TOGETHER) await Promise.race(running);
    if (failures.length > 0) break;
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
}
