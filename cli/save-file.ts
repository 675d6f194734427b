import { createHash, type Hash } from 'node:crypto';
import { type BigIntStats, constants, createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Backoff, persist } from '@sodate/client/backoff.ts';
import { isPassing } from '@sodate/client/connection-errors.ts';
import { readBody } from '@sodate/client/read-body.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { placeBelow } from './place-below.ts';
import type { VerifiedFiles } from './verified-files.ts';

export interface Download {
  readonly folder: string;
  /** As the server calls it; may hold folders. */
  readonly name: string;
  /** Where it is not known beforehand the answer's is taken, if it has one. */
  readonly digest?: string | undefined;
  readonly onBytes: (count: number) => void;
  readonly verified?: VerifiedFiles;
}

/** Asks for the bytes from an offset on; the headers make sure that they are of the same file. */
export type RequestFrom = (headers: Readonly<Record<string, string>>) => Promise<Response>;

/** What is now under a file's name. */
export interface Saved {
  /** `there`: it had this content already. */
  readonly how: 'saved' | 'there';
  /** Bytes. */
  readonly size: number;
}

export const BACKOFF: Backoff = { retries: 12, firstDelayMs: 300, longestDelayMs: 10_000 };
/** A file's name has 255 bytes at most, and the part's is longer than the file's. */
const LONGEST_BASE_BYTES = 220;

/**
 * Writes a file below a folder. The name comes from the server and may have been chosen by anybody, so one that leads out
 * of the folder is refused, also through a link in it. The file appears under its name only when it is whole and, where
 * its digest is known, has it; until then it is a `.part` file beside it, with which a later call goes on. A file that is
 * there with the same content is left as it is.
 */
export async function saveFile(cli: Cli, download: Download, request: RequestFrom): Promise<Saved> {
  const path = await placeBelow(download.folder, download.name);
  const held: { first: Response | null } = { first: null };
  const ask = async (headers: Readonly<Record<string, string>>): Promise<Response> => {
    const { first } = held;
    held.first = null;
    if (first !== null && headers['range'] === undefined) return first;
    await letGo(first);
    return request(headers);
  };
  let { digest } = download;
  if (digest === undefined) {
    held.first = await persist(BACKOFF, cli.signal, isPassing, () => request({}));
    digest = digestIn(held.first);
  }
  try {
    const there = digest === undefined ? null : await findThere(path, digest, download.verified);
    if (there !== null) {
      download.onBytes(there.size);
      return there;
    }
    const part = partOf(path, digest);
    const state = await fetchInto(cli, part, { ...download, digest }, ask);
    await rename(part, path).catch(async (error: unknown) => {
      // A folder is in its place: no later call would find use for this.
      await rm(part, { force: true });
      throw error;
    });
    if (digest !== undefined) await download.verified?.note(path, digest, state);
    return { how: 'saved', size: Number(state.size) };
  } finally {
    await letGo(held.first);
  }
}

/** Its connection may have broken since; nobody wants any more of it. */
const letGo = async (response: Response | null): Promise<void> => response?.body?.cancel().catch(() => {});

/**
 * As `saveFile`, of a small file whose bytes have arrived whole: it appears under its name with all of them or not at all.
 * @returns null, and nothing is written, when the bytes do not have the digest
 */
export async function saveBytes(path: string, digest: string, bytes: Uint8Array, verified: VerifiedFiles): Promise<Saved | null> {
  if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest) return null;
  const part = partOf(path, digest);
  const handle = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o666);
  try {
    let state: BigIntStats;
    try {
      await handle.writeFile(bytes);
      state = await handle.stat({ bigint: true });
    } finally {
      await handle.close();
    }
    await rename(part, path);
    await verified.note(path, digest, state);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return { how: 'saved', size: bytes.length };
}

const digestIn = (response: Response): string | undefined => /^"(sha256:[0-9a-f]{64})"$/.exec(response.headers.get('etag') ?? '')?.[1];

/** What has arrived so far: the bytes in the file, and their digest as far as it goes. */
interface Arrived {
  bytes: number;
  hash: Hash;
}

/** @returns the state of the file, when it has arrived whole */
async function fetchInto(cli: Cli, part: string, download: Download, request: RequestFrom): Promise<BigIntStats> {
  const { digest, name, onBytes } = download;
  const handle = await open(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666);
  const arrived: Arrived = { bytes: 0, hash: createHash('sha256') };
  try {
    Object.assign(arrived, digest === undefined ? await beginAnew(handle) : await readArrived(handle));
    onBytes(arrived.bytes);
    const takenUp = arrived.bytes > 0;
    const restart = async (): Promise<void> => {
      onBytes(-arrived.bytes);
      Object.assign(arrived, await beginAnew(handle));
    };
    const fetchRest = (): Promise<void> =>
      persist(BACKOFF, cli.signal, isPassing, async () => {
        if (digest === undefined && arrived.bytes > 0) await restart();
        const response = await request(arrived.bytes === 0 ? {} : { range: `bytes=${arrived.bytes}-`, 'if-range': `"${digest}"` }).catch(isPastEnd);
        // Whole already; its digest decides.
        if (response === null) return;
        // Another content than we have the beginning of, or a server between that knows no ranges.
        if (response.status !== 206 && arrived.bytes > 0) await restart();
        await append(handle, arrived, readBody(response, cli.server, cli.signal), onBytes);
      });
    await fetchRest();
    if (digest === undefined || digestSoFar(arrived) === digest) return await handle.stat({ bigint: true });
    if (takenUp) {
      // The beginning was of something else, or was damaged by a crash: once more from the start.
      await restart();
      await fetchRest();
      if (digestSoFar(arrived) === digest) return await handle.stat({ bigint: true });
    }
    await rm(part, { force: true });
    throw new CliError(`${name} arrived with other content than the server knows (${digestSoFar(arrived)} instead of ${digest}). Try again.`);
  } catch (error) {
    // Nothing would tell later whether what is here is the beginning of the same file; and nothing is no beginning.
    if (digest === undefined || arrived.bytes === 0) await rm(part, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function isPastEnd(error: unknown): null {
  if ((error as { code?: unknown }).code === 'range-not-satisfiable') return null;
  throw error;
}

const digestSoFar = ({ hash }: Arrived): string => `sha256:${hash.copy().digest('hex')}`;

async function beginAnew(handle: FileHandle): Promise<Arrived> {
  await handle.truncate(0);
  return { bytes: 0, hash: createHash('sha256') };
}

async function readArrived(handle: FileHandle): Promise<Arrived> {
  const hash = createHash('sha256');
  const { size } = await handle.stat();
  if (size > 0) for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return { bytes: size, hash };
}

/** Pieces as the network brings them, written one by one, cost a quarter of the throughput. */
const BLOCK_BYTES = 256 * 1024;

/** While a block is being written its digest is taken, and the next one is filled. What arrived before a connection was cut is kept. */
async function append(handle: FileHandle, arrived: Arrived, body: AsyncIterable<Uint8Array>, onBytes: (count: number) => void): Promise<void> {
  let [filling, spare] = [Buffer.allocUnsafeSlow(BLOCK_BYTES), Buffer.allocUnsafeSlow(BLOCK_BYTES)];
  let filled = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    await writing;
    const block = filling.subarray(0, filled);
    writing = writeWhole(handle, block, arrived.bytes);
    // Awaited by the next turn; until then a failure must not count as unhandled.
    writing.catch(() => {});
    arrived.hash.update(block);
    arrived.bytes += filled;
    onBytes(filled);
    [filling, spare, filled] = [spare, filling, 0];
  };
  try {
    for await (const chunk of body) {
      for (let taken = 0; taken < chunk.length;) {
        const count = Math.min(chunk.length - taken, BLOCK_BYTES - filled);
        filling.set(chunk.subarray(taken, taken + count), filled);
        taken += count;
        filled += count;
        if (filled === BLOCK_BYTES) await write();
      }
    }
  } finally {
    await write();
    await writing;
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) written += (await handle.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
}

/** The file of this name, when it has this content: by what was verified of it, or else by reading it. */
export async function findThere(path: string, digest: string, verified: VerifiedFiles | undefined): Promise<Saved | null> {
  const found = await lstat(path, { bigint: true }).catch(() => null);
  if (found?.isFile() !== true) return null;
  const there: Saved = { how: 'there', size: Number(found.size) };
  if (verified?.has(digest, found) === true) return there;
  const hash = createHash('sha256');
  // Node takes a buffer of this length for each read, however short the file is.
  const highWaterMark = Math.max(1, Math.min(1024 * 1024, there.size));
  for await (const chunk of createReadStream(path, { highWaterMark })) hash.update(chunk as Buffer);
  if (`sha256:${hash.digest('hex')}` !== digest) return null;
  await verified?.note(path, digest, found);
  return there;
}

/** Beside the file, and of another name for another content, so that two are never mixed. */
function partOf(path: string, digest: string | undefined): string {
  const base = basename(path);
  const name = Buffer.byteLength(base) <= LONGEST_BASE_BYTES ? base : createHash('sha256').update(base).digest('hex');
  return join(dirname(path), `${name}${digest === undefined ? '' : `.${digest.slice(-12)}`}.part`);
}
