import type { DataParts } from '#data/data-parts.ts';
import { filesById, type FoundFile } from '#data/file-store.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { BUNDLE_BYTES_LIMIT, BUNDLED_FILE_BYTES_LIMIT, type ReadFilesHead } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DataId, FileId, TenantId } from '@sodate/contract/ids.ts';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/** Files that are opened before their turn: enough to hide a bucket's way, and little in memory for each reader. */
const AHEAD_FILES = 16;
const AHEAD_BYTES = 1024 * 1024;

/**
 * Many small files as one stream of bytes; see the contract for the form. Files that this data does not have are left out of those it has.
 * The first one is read before anything is promised; trouble after that ends the stream short of its length.
 * @throws SodateError `not-found` when it has none of them, `invalid-request` when a file, or all together, is too large for that
 */
export async function openFiles(
  { db, store }: Pick<DataParts, 'db' | 'store'>,
  asked: { readonly tenant: TenantId; readonly data: DataId; readonly files: readonly FileId[] },
): Promise<{ readonly length: number; readonly bytes: Readable }> {
  const found = new Map((await filesById(db, asked.tenant, asked.data, asked.files)).map((file) => [file.id as string, file]));
  const files = [...new Set(asked.files.map((id) => id.toLowerCase()))].flatMap((id) => found.get(id) ?? []);
  if (files.length === 0) throw new SodateError('not-found', { thing: 'file', reference: asked.files[0] ?? '' });
  const size = files.reduce((sum, file) => sum + file.size, 0);
  refuseLarge(files, size);
  const head = headOf(files);
  const contents = readInOrder(
    store,
    asked.tenant,
    files.filter((file) => file.size > 0),
  );
  const first = await contents.next();
  async function* pieces(): AsyncGenerator<Buffer> {
    try {
      yield head;
      if (first.done !== true) yield first.value;
      yield* contents;
    } finally {
      await contents.return(undefined);
    }
  }
  return { length: head.length + size, bytes: Readable.from(pieces(), { objectMode: false }) };
}

function refuseLarge(files: readonly FoundFile[], size: number): void {
  const large = files.find((file) => file.size > BUNDLED_FILE_BYTES_LIMIT);
  if (large !== undefined)
    throw new SodateError('invalid-request', { details: `${large.name} is larger than ${BUNDLED_FILE_BYTES_LIMIT} bytes; fetch it by its own address` });
  if (size > BUNDLE_BYTES_LIMIT)
    throw new SodateError('invalid-request', { details: `the files have more than ${BUNDLE_BYTES_LIMIT} bytes together; ask for fewer at once` });
}

function headOf(files: readonly FoundFile[]): Buffer {
  const head: ReadFilesHead = { files: files.map(({ id, size, digest }) => ({ id, size, digest })) };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
}

async function* readInOrder(store: Pick<ObjectStore, 'read'>, tenant: TenantId, files: readonly FoundFile[]): AsyncGenerator<Buffer, void, undefined> {
  const rest = files.values();
  const ahead: { readonly size: number; readonly content: Promise<Buffer> }[] = [];
  let bytes = 0;
  const readOn = (): void => {
    while (ahead.length < AHEAD_FILES && (ahead.length === 0 || bytes < AHEAD_BYTES)) {
      const next = rest.next();
      if (next.done === true) return;
      const content = readWhole(store, tenant, next.value);
      // Looked at in its turn, or never when the reader goes.
      content.catch(() => {});
      ahead.push({ size: next.value.size, content });
      bytes += next.value.size;
    }
  };
  for (readOn(); ahead.length > 0; readOn()) {
    const { size, content } = ahead[0] as (typeof ahead)[number];
    yield await content;
    ahead.shift();
    bytes -= size;
  }
}

async function readWhole(store: Pick<ObjectStore, 'read'>, tenant: TenantId, { blob, size }: FoundFile): Promise<Buffer> {
  const content = await buffer(await store.read(tenant, blob, { start: 0, end: size - 1 }));
  if (content.length !== size) throw new Error(`The file content ${blob} has ${content.length} bytes instead of ${size}`);
  return content;
}
