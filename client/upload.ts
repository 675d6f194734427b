import {
  completeUploads,
  type DataFile,
  FILES_PER_DATA_LIMIT,
  getPartAddress,
  getUpload,
  listDataFiles,
  putPart,
  startUploads,
  type Upload,
} from '@sodate/contract/data.ts';
import { isSodateError, SodateError } from '@sodate/contract/errors.ts';
import { FileName } from '@sodate/contract/names.ts';
import { type Backoff, persist } from './backoff.ts';
import { ApiError, ConnectionError, isPassing, UnexpectedAnswer } from './connection-errors.ts';
import { forEachOf } from './for-each-of.ts';
import type { Client } from './make-client.ts';

export interface SourceFile {
  /** As it shall be called in the data, segments joined by `/`. */
  readonly name: string;
  readonly size: number;
  /** Exactly the bytes from `start` up to, not including, `end`. May be called again for the same part. */
  read(start: number, end: number): Promise<Blob | Uint8Array<ArrayBuffer>>;
}

export interface UploadProgress {
  readonly files: number;
  /** Files that have become part of the data. */
  readonly filesDone: number;
  readonly bytes: number;
  readonly bytesSent: number;
}

export interface UploadOptions {
  readonly tenant: string;
  readonly data: string;
  readonly files: readonly SourceFile[];
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Parts under way at once; each is held in memory, 16 MiB at most. */
  readonly concurrency?: number | undefined;
  readonly backoff?: Backoff | undefined;
  /** Send parts to the object store itself where the server says so. Not from web pages: the store does not know their origin. */
  readonly direct?: boolean | undefined;
}

/** Files that appear in the data together. Smaller than what the server takes, so that a broken upload loses little. */
const FILES_PER_BATCH = 200;
const DEFAULT_CONCURRENCY = 4;
const DIRECT_TRIES = 3;
const PART_BACKOFF: Backoff = { retries: 8, firstDelayMs: 300, longestDelayMs: 10_000 };

/**
 * Puts files into a data by the part protocol. Files appear in batches: of each batch all or none. A part that does not
 * arrive is sent again, and only that part. Names are checked before anything is sent.
 */
export async function uploadFiles(client: Client, options: UploadOptions): Promise<readonly DataFile[]> {
  checkNames(options.files);
  const stored: DataFile[] = [];
  const bytes = options.files.reduce((sum, file) => sum + file.size, 0);
  let bytesSent = 0;
  const report = (sent: number): void => {
    bytesSent += sent;
    options.onProgress?.({ files: options.files.length, filesDone: stored.length, bytes, bytesSent });
  };
  for (let at = 0; at < options.files.length; at += FILES_PER_BATCH) {
    stored.push(...(await uploadBatch(client, options, options.files.slice(at, at + FILES_PER_BATCH), report)));
    report(0);
  }
  return stored;
}

async function uploadBatch(client: Client, options: UploadOptions, files: readonly SourceFile[], report: (sent: number) => void): Promise<readonly DataFile[]> {
  const { tenant, data, signal } = options;
  const backoff = options.backoff ?? PART_BACKOFF;
  // Started twice because an answer was lost, the first ones stay empty and disappear by themselves.
  const { uploads } = await persist(backoff, signal, isPassing, () =>
    client.call(startUploads, { params: { tenant, data }, body: { files: files.map(({ name, size }) => ({ name, size })) }, signal }),
  );
  const byName = new Map(uploads.map((upload) => [upload.name, upload]));
  const parts = files.flatMap((file) => {
    const upload = byName.get(file.name);
    if (upload === undefined) throw new UnexpectedAnswer(`The server started no upload for ${file.name}.`, 201);
    const shared = { file, address: { upload } };
    return Array.from({ length: upload.partCount }, (_nothing, index) => ({ ...shared, number: index + 1 }));
  });
  await forEachOf(parts, options.concurrency ?? DEFAULT_CONCURRENCY, signal, async (part, partSignal) => {
    report(await sendPart(client, options, part, backoff, partSignal));
  });
  return await complete(client, options, uploads, backoff);
}

interface Part {
  readonly file: SourceFile;
  readonly number: number;
  /** Replaced when the signed address has run out; all parts of a file see the fresh one. */
  readonly address: { upload: Upload };
}

async function sendPart(client: Client, { tenant, direct }: UploadOptions, part: Part, backoff: Backoff, signal: AbortSignal): Promise<number> {
  return persist(
    backoff,
    signal,
    (error) => isPassing(error) || hasExpired(error),
    async (retry) => {
      if (retry > 0) {
        // The part may have arrived although its answer did not, and the address may have run out meanwhile.
        part.address.upload = await client.call(getUpload, { params: { tenant, upload: part.address.upload.id }, signal });
      }
      const { upload } = part.address;
      const start = (part.number - 1) * upload.partSize;
      const end = Math.min(start + upload.partSize, upload.size);
      if (!upload.received.includes(part.number)) {
        const body = await part.file.read(start, end);
        // The store may be out of this machine's reach: what fails there goes through the platform.
        if (direct === true && retry < DIRECT_TRIES && (await sendDirectly(client, part, body, signal))) return end - start;
        const response = await client.exchange({
          method: putPart.method,
          path: upload.partUrl.replace('{part}', String(part.number)),
          headers: { 'content-type': 'application/octet-stream' },
          body,
          signal,
          repeatable: false,
          anonymous: true,
        });
        await response.body?.cancel();
      }
      return end - start;
    },
  );
}

/** @returns false when the store gives no address for it. @throws ConnectionError also for a refusal: either way it is tried again */
async function sendDirectly(
  client: Client,
  { address: { upload }, number }: Part,
  body: Blob | Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<boolean> {
  if (upload.addressUrl === null) return false;
  const path = upload.addressUrl.replace('{part}', String(number));
  const asked = await client.exchange({ method: getPartAddress.method, path, signal, repeatable: true, anonymous: true });
  const { address } = getPartAddress.response.parse(await asked.json());
  if (address === null) return false;
  try {
    const response = await fetch(address, { method: 'PUT', body, signal, redirect: 'error', credentials: 'omit' });
    await response.body?.cancel();
    if (response.ok) return true;
    throw new Error(`The object store answered ${response.status}`);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ConnectionError(`The part could not be sent to the object store: ${error instanceof Error ? error.message : String(error)}`, true, error);
  }
}

async function complete(client: Client, options: UploadOptions, uploads: readonly Upload[], backoff: Backoff): Promise<readonly DataFile[]> {
  const { tenant, data, signal } = options;
  return persist(backoff, signal, isPassing, async (retry) => {
    try {
      const body = { uploads: uploads.map(({ id }) => ({ id })) };
      return (await client.call(completeUploads, { params: { tenant, data }, body, signal })).files;
    } catch (error) {
      // Refused after a lost answer: then the first request has probably done it, and the files tell.
      const stored = retry > 0 && error instanceof ApiError && !isPassing(error) ? await findStored(client, options, uploads) : null;
      if (stored === null) throw error;
      return stored;
    }
  });
}

async function findStored(client: Client, { tenant, data, signal }: UploadOptions, uploads: readonly Upload[]): Promise<readonly DataFile[] | null> {
  const wanted = new Map(uploads.map((upload) => [upload.name, upload.size]));
  const found: DataFile[] = [];
  for (let cursor: string | undefined, seen = 0; seen <= FILES_PER_DATA_LIMIT;) {
    const page = await client.call(listDataFiles, { params: { tenant, data }, query: { limit: 1000, cursor }, signal });
    found.push(...page.items.filter((file) => wanted.get(file.name) === file.size));
    seen += page.items.length;
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  return found.length === uploads.length ? found : null;
}

function checkNames(files: readonly SourceFile[]): void {
  const seen = new Set<string>();
  for (const { name } of files) {
    const parsed = FileName.safeParse(name);
    if (!parsed.success) {
      throw new SodateError('invalid-request', { details: `the file name ${JSON.stringify(name)}: ${parsed.error.issues[0]?.message ?? 'not allowed'}` });
    }
    if (seen.has(name)) throw new SodateError('invalid-request', { details: `two files named ${JSON.stringify(name)}` });
    seen.add(name);
  }
}

const hasExpired = (error: unknown): boolean => isSodateError(error) && error.code === 'signature-not-valid';
