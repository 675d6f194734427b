import type { DataParts } from '#data/data-parts.ts';
import { filesById, type FoundFile } from '#data/file-store.ts';
import { bundleHead } from '#kit/http/send-bundle.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { readAhead } from '#kit/read-ahead.ts';
import { BUNDLE_BYTES_LIMIT, BUNDLED_FILE_BYTES_LIMIT, type ReadFilesHead } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DataId, FileId, TenantId } from '@sodate/contract/ids.ts';
import { buffer } from 'node:stream/consumers';

/** Files that are opened before their turn: enough to hide a bucket's way, and little in memory for each reader. */
const AHEAD = { items: 16, bytes: 1024 * 1024, bytesOf: ({ size }: FoundFile) => size };

/**
 * Many small files as one stream of bytes; see the contract for the form. Files that this data does not have are left out of those it has.
 * @throws SodateError `not-found` when it has none of them, `invalid-request` when a file, or all together, is too large for that
 */
export async function openFiles(
  { db, store }: Pick<DataParts, 'db' | 'store'>,
  asked: { readonly tenant: TenantId; readonly data: DataId; readonly files: readonly FileId[] },
): Promise<{ readonly length: number; readonly pieces: AsyncGenerator<Buffer, void, undefined> }> {
  const found = new Map((await filesById(db, asked.tenant, asked.data, asked.files)).map((file) => [file.id as string, file]));
  const files = [...new Set(asked.files.map((id) => id.toLowerCase()))].flatMap((id) => found.get(id) ?? []);
  if (files.length === 0) throw new SodateError('not-found', { thing: 'file', reference: asked.files[0] ?? '' });
  const size = files.reduce((sum, file) => sum + file.size, 0);
  refuseLarge(files, size);
  const head: ReadFilesHead = { files: files.map(({ id, size: bytes, digest }) => ({ id, size: bytes, digest })) };
  const beginning = bundleHead(head);
  return { length: beginning.length + size, pieces: piecesOf(store, asked.tenant, beginning, files) };
}

function refuseLarge(files: readonly FoundFile[], size: number): void {
  const large = files.find((file) => file.size > BUNDLED_FILE_BYTES_LIMIT);
  if (large !== undefined)
    throw new SodateError('invalid-request', { details: `${large.name} is larger than ${BUNDLED_FILE_BYTES_LIMIT} bytes; fetch it by its own address` });
  if (size > BUNDLE_BYTES_LIMIT)
    throw new SodateError('invalid-request', { details: `the files have more than ${BUNDLE_BYTES_LIMIT} bytes together; ask for fewer at once` });
}

/** The head comes with the first file that has bytes, so that trouble with that one comes before anything else. */
async function* piecesOf(
  store: Pick<ObjectStore, 'read'>,
  tenant: TenantId,
  head: Buffer,
  files: readonly FoundFile[],
): AsyncGenerator<Buffer, void, undefined> {
  let before: readonly Buffer[] = [head];
  const withBytes = files.filter(({ size }) => size > 0);
  for await (const content of readAhead(withBytes, AHEAD, (file) => readWhole(store, tenant, file))) {
    yield before.length === 0 ? content : Buffer.concat([...before, content]);
    before = [];
  }
  if (before.length > 0) yield head;
}

async function readWhole(store: Pick<ObjectStore, 'read'>, tenant: TenantId, { blob, size }: FoundFile): Promise<Buffer> {
  const content = await buffer(await store.read(tenant, blob, { start: 0, end: size - 1 }));
  if (content.length !== size) throw new Error(`The file content ${blob} has ${content.length} bytes instead of ${size}`);
  return content;
}
