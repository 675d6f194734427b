import { addFiles, type BundleHead, type DataFile } from '@sodate/contract/data.ts';
import { persist } from './backoff.ts';
import { buildPath } from './build-path.ts';
import { inBundles } from './in-bundles.ts';
import { errorInside, UnexpectedAnswer } from './connection-errors.ts';
import { forEachOf } from './for-each-of.ts';
import { readBytes, type SourceFile } from './upload-source.ts';
import { concernsOneFile, mayPass, type UploadWork } from './upload-work.ts';

const READ_TOGETHER = 8;

/**
 * Sends small files many at a time. A bundle may be sent again: what is there already with the same content counts as
 * added. Memory: one bundle per sender.
 */
export async function sendBundles(work: UploadWork, files: readonly SourceFile[]): Promise<void> {
  await forEachOf(inBundles(files), work.concurrency, work.signal, (bundle, signal) => sendBundle(work, bundle, signal));
}

interface ReadFile {
  readonly file: SourceFile;
  readonly bytes: Uint8Array;
}

async function sendBundle(work: UploadWork, files: readonly SourceFile[], signal: AbortSignal): Promise<void> {
  const read = await readAll(work, files, signal);
  if (read.length === 0) return;
  const body = await frame(work, read);
  const { tenant, data } = work;
  const answer = await persist(work.backoff, signal, mayPass, async () => {
    const response = await work.client.exchange({
      method: addFiles.method,
      path: buildPath(addFiles.path, { tenant, data }, {}),
      headers: { 'content-type': 'application/octet-stream', accept: 'application/json' },
      body,
      signal,
      repeatable: false,
    });
    const parsed = addFiles.response.safeParse(await response.json().catch(() => null));
    if (!parsed.success)
      throw new UnexpectedAnswer('The answer to a bundle of files is not whole, or not of the form that this client knows.', 502, parsed.error);
    return parsed.data;
  });
  const sizes = new Map(read.map(({ file }) => [file.name, file.size]));
  for (const { name, code, message } of answer.refused) {
    work.refuse({ name }, errorInside(code, message));
    work.sent(sizes.get(name) ?? 0);
  }
  work.stored(answer.files);
  work.sent(answer.files.reduce((sum: number, file: DataFile) => sum + file.size, 0));
}

async function readAll(work: UploadWork, files: readonly SourceFile[], signal: AbortSignal): Promise<readonly ReadFile[]> {
  const read = new Map<SourceFile, Uint8Array>();
  await forEachOf(files, READ_TOGETHER, signal, async (file) => {
    try {
      read.set(file, file.size === 0 ? new Uint8Array() : await readBytes(file, 0, file.size));
    } catch (error) {
      if (!concernsOneFile(error)) throw error;
      work.refuse(file, error);
      work.sent(file.size);
    }
  });
  return files.flatMap((file) => {
    const bytes = read.get(file);
    return bytes === undefined ? [] : [{ file, bytes }];
  });
}

/** See `BundleHead` in the contract. */
async function frame({ digests }: UploadWork, files: readonly ReadFile[]): Promise<Uint8Array<ArrayBuffer>> {
  const head: BundleHead = {
    files: await Promise.all(
      files.map(async ({ file: { name, size }, bytes }) => {
        if (digests === null) return { name, size };
        const running = digests.sha256();
        await running.update(bytes);
        return { name, size, digest: running.digest() };
      }),
    ),
  };
  const text = new TextEncoder().encode(JSON.stringify(head));
  const body = new Uint8Array(4 + text.length + files.reduce((sum, { bytes }) => sum + bytes.length, 0));
  new DataView(body.buffer).setUint32(0, text.length);
  body.set(text, 4);
  let at = 4 + text.length;
  for (const { bytes } of files) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return body;
}
