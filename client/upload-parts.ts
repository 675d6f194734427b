import {
  abortUpload,
  completeUploads,
  getPartAddress,
  getUpload,
  listUploads,
  PART_CHECKSUM_HEADER,
  putPart,
  startUploads,
  type Upload,
} from '@sodate/contract/data.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { persist } from './backoff.ts';
import { ApiError, ConnectionError, isPassing, UnexpectedAnswer } from './connection-errors.ts';
import type { RunningDigest } from './digests.ts';
import { forEachOf } from './for-each-of.ts';
import type { TakeMemory } from './part-memory.ts';
import { readBytes, type SourceFile, SourceTrouble } from './upload-source.ts';
import { concernsOneFile, mayPass, storedFiles, type UploadWork } from './upload-work.ts';

/** Files that are started and completed together, so that many middling ones cost few requests. */
const LOT_FILES = 100;
const LOT_BYTES = 256 * 1024 * 1024;

/** So often a part is offered to the object store itself before it goes through the platform. */
const DIRECT_TRIES = 3;

/** Uploads that were begun and not completed, by the file's name; each is gone on with once. */
export type OpenUploads = Map<string, Upload[]>;

/** Those of the person who asks, into this data. */
export async function readOpenUploads({ client, tenant, data, signal }: UploadWork): Promise<OpenUploads> {
  const open: OpenUploads = new Map();
  for (let cursor: string | undefined; ;) {
    const page = await client.call(listUploads, { params: { tenant, data }, query: { limit: 200, cursor }, signal });
    for (const upload of page.items) open.set(upload.name, [...(open.get(upload.name) ?? []), upload]);
    if (page.nextCursor === null) return open;
    cursor = page.nextCursor;
  }
}

/**
 * Sends files in parts, several at a time, in the order of the file so that its digest is had on the way. What has arrived
 * of an open upload is compared by checksum and only the rest sent. Of a lot all files appear together.
 */
export async function sendInParts(work: UploadWork, files: readonly SourceFile[], open: OpenUploads): Promise<void> {
  for (const lot of lots(files)) await sendLot(work, lot, open);
}

function* lots(files: readonly SourceFile[]): Generator<readonly SourceFile[]> {
  let lot: SourceFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (lot.length === LOT_FILES || (lot.length > 0 && bytes + file.size > LOT_BYTES)) {
      yield lot;
      [lot, bytes] = [[], 0];
    }
    lot.push(file);
    bytes += file.size;
  }
  if (lot.length > 0) yield lot;
}

/** A file on its way. `upload` is replaced when the signed address has run out; all its parts see the fresh one. */
interface Sending {
  readonly file: SourceFile;
  upload: Upload;
  /** What had arrived before, by part number. */
  readonly before: ReadonlyMap<number, string | null>;
  readonly running: RunningDigest | null;
  /** Parts are digested in their order: each waits for the one before. */
  digested: Promise<void>;
  trouble: Error | null;
}

async function sendLot(work: UploadWork, files: readonly SourceFile[], open: OpenUploads): Promise<void> {
  const sending = await startLot(work, files, open);
  const parts = sending.flatMap((one) => Array.from({ length: one.upload.partCount }, (_nothing, index) => ({ one, number: index + 1 })));
  await forEachOf(parts, work.concurrency, work.signal, ({ one, number }, signal) => sendPart(work, one, number, signal));
  const whole: { readonly one: Sending; readonly digest: string | null }[] = [];
  for (const one of sending) {
    if (one.trouble === null) whole.push({ one, digest: one.running?.digest() ?? null });
    else await giveUp(work, one, one.trouble);
  }
  await complete(work, whole);
}

async function startLot(work: UploadWork, files: readonly SourceFile[], open: OpenUploads): Promise<readonly Sending[]> {
  const begun = files.flatMap((file) => {
    const uploads = open.get(file.name) ?? [];
    const at = uploads.findIndex((upload) => upload.size === file.size);
    return at < 0 ? [] : uploads.splice(at, 1).map((upload) => toSending(work, file, upload));
  });
  const fresh = files.filter((file) => !begun.some((one) => one.file === file));
  const started = await startUploadsOf(work, fresh);
  return [...begun, ...started].toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file));
}

async function startUploadsOf(work: UploadWork, files: readonly SourceFile[]): Promise<readonly Sending[]> {
  if (files.length === 0) return [];
  const { client, tenant, data, signal } = work;
  try {
    // Started twice because an answer was lost, the first ones stay empty and disappear by themselves.
    const { uploads } = await persist(work.backoff, signal, isPassing, () =>
      client.call(startUploads, { params: { tenant, data }, body: { files: files.map(({ name, size }) => ({ name, size })) }, signal }),
    );
    const byName = new Map(uploads.map((upload) => [upload.name, upload]));
    return files.map((file) => {
      const upload = byName.get(file.name);
      if (upload === undefined) throw new UnexpectedAnswer(`The server started no upload for ${file.name}.`, 201);
      return toSending(work, file, upload);
    });
  } catch (error) {
    if (!concernsOneFile(error)) throw error;
    const [only] = files;
    // One of them is not wanted: asked one by one the server says which.
    if (files.length > 1 || only === undefined) return (await inTurn(files, (file) => startUploadsOf(work, [file]))).flat();
    work.refuse(only, error);
    work.sent(only.size);
    return [];
  }
}

function toSending({ digests }: UploadWork, file: SourceFile, upload: Upload): Sending {
  const before = new Map(upload.received.map((number) => [number, upload.checksums?.[String(number)] ?? null]));
  return { file, upload, before, running: digests?.sha256() ?? null, digested: Promise.resolve(), trouble: null };
}

async function sendPart(work: UploadWork, one: Sending, number: number, signal: AbortSignal): Promise<void> {
  const { partSize, size } = one.upload;
  const start = (number - 1) * partSize;
  const end = Math.min(start + partSize, size);
  await work.memory.use(end - start, (take) => readAndSend(work, one, { number, start, end, take }, signal));
  work.sent(end - start);
}

async function readAndSend(
  work: UploadWork,
  one: Sending,
  { number, start, end, take }: { readonly number: number; readonly start: number; readonly end: number; readonly take: TakeMemory },
  signal: AbortSignal,
): Promise<void> {
  const digestedBefore = one.digested;
  const reading = one.trouble === null ? readPart(one, start, end, take) : Promise.resolve(null);
  // Set before anything is waited for, so that the next part finds this one before it.
  one.digested = reading.then(async (bytes) => {
    await digestedBefore;
    if (bytes !== null) await one.running?.update(bytes);
  });
  one.digested.catch(() => {});
  const bytes = await reading;
  await one.digested;
  if (bytes !== null) await putBytes(work, one, { number, bytes }, signal);
}

/** @returns null when the file cannot be read as it was; then none of its parts is sent any more */
async function readPart(one: Sending, start: number, end: number, take: TakeMemory): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await readBytes(one.file, start, end, take);
  } catch (error) {
    if (!(error instanceof SourceTrouble)) throw error;
    one.trouble = error;
    return null;
  }
}

async function putBytes(
  work: UploadWork,
  one: Sending,
  part: { readonly number: number; readonly bytes: Uint8Array<ArrayBuffer> },
  signal: AbortSignal,
): Promise<void> {
  const { client, tenant } = work;
  const checksum = work.digests?.crc32(part.bytes) ?? null;
  // Without a digest of our own nothing tells whether what arrived before is of this file.
  if (checksum !== null && one.before.get(part.number) === checksum) return;
  await persist(
    work.backoff,
    signal,
    (error) => mayPass(error) || hasExpired(error),
    async (retry) => {
      if (retry > 0) {
        // The part may have arrived although its answer did not, and the address may have run out meanwhile.
        one.upload = await client.call(getUpload, { params: { tenant, upload: one.upload.id }, signal });
        const arrived = one.upload.checksums?.[String(part.number)] ?? null;
        if (one.upload.received.includes(part.number) && (checksum === null || arrived === checksum)) return;
      }
      // The store may be out of this machine's reach: what fails there goes through the platform.
      if (work.direct && retry < DIRECT_TRIES && (await sendDirectly(client, one.upload, part, signal))) return;
      const response = await client.exchange({
        method: putPart.method,
        path: one.upload.partUrl.replace('{part}', String(part.number)),
        headers: { 'content-type': 'application/octet-stream', ...(checksum === null ? {} : { [PART_CHECKSUM_HEADER]: checksum }) },
        body: part.bytes,
        signal,
        repeatable: false,
        anonymous: true,
      });
      await response.body?.cancel();
    },
  );
}

/** @returns false when the store gives no address for it. @throws ConnectionError also for a refusal: either way it is tried again */
async function sendDirectly(
  client: UploadWork['client'],
  upload: Upload,
  { number, bytes }: { readonly number: number; readonly bytes: Uint8Array<ArrayBuffer> },
  signal: AbortSignal,
): Promise<boolean> {
  if (upload.addressUrl === null) return false;
  const path = upload.addressUrl.replace('{part}', String(number));
  const asked = await client.exchange({ method: getPartAddress.method, path, signal, repeatable: true, anonymous: true });
  const { address } = getPartAddress.response.parse(await asked.json());
  if (address === null) return false;
  try {
    const response = await fetch(address, { method: 'PUT', body: bytes, signal, redirect: 'error', credentials: 'omit' });
    await response.body?.cancel();
    if (response.ok) return true;
    throw new Error(`The object store answered ${response.status}`);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ConnectionError(`The part could not be sent to the object store: ${error instanceof Error ? error.message : String(error)}`, true, error);
  }
}

const hasExpired = (error: unknown): boolean => isSodateError(error) && error.code === 'signature-not-valid';

async function complete(work: UploadWork, whole: readonly { readonly one: Sending; readonly digest: string | null }[]): Promise<void> {
  if (whole.length === 0) return;
  const { client, tenant, data, signal } = work;
  const body = { uploads: whole.map(({ one, digest }) => ({ id: one.upload.id, ...(digest === null ? {} : { digest }) })) };
  try {
    work.stored(
      await persist(work.backoff, signal, isPassing, async (retry) => {
        try {
          return (await client.call(completeUploads, { params: { tenant, data }, body, signal })).files;
        } catch (error) {
          // Refused after a lost answer: then the first request has probably done it, and the files tell.
          const stored = retry > 0 && error instanceof ApiError && !isPassing(error) ? await findStored(work, whole) : null;
          if (stored === null) throw error;
          return stored;
        }
      }),
    );
  } catch (error) {
    if (!concernsOneFile(error)) throw error;
    const [only] = whole;
    if (whole.length > 1 || only === undefined) return void (await inTurn(whole, (each) => complete(work, [each])));
    const changed = isSodateError(error) && error.code === 'digest-differs';
    await giveUp(work, only.one, changed ? new SourceTrouble(`What arrived is not what was read: ${error.message}`, error) : error);
  }
}

async function findStored(work: UploadWork, whole: readonly { readonly one: Sending; readonly digest: string | null }[]) {
  const wanted = new Map(whole.map(({ one, digest }) => [one.file.name, { size: one.file.size, digest }]));
  const found = [];
  for await (const file of storedFiles(work)) {
    const asked = wanted.get(file.name);
    if (asked !== undefined && asked.size === file.size && (asked.digest === null || asked.digest === file.digest)) found.push(file);
  }
  return found.length === whole.length ? found : null;
}

/** What has arrived of the file is of no use to anybody. */
async function giveUp(work: UploadWork, one: Sending, trouble: Error): Promise<void> {
  const { client, tenant, signal } = work;
  work.refuse(one.file, trouble);
  await client.call(abortUpload, { params: { tenant, upload: one.upload.id }, signal }).catch((error: unknown) => {
    // It disappears by itself after its time.
    if (signal?.aborted === true) throw error;
  });
}

async function inTurn<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
