import type { FileHasher } from '#kit/object-store/file-hasher.ts';
import { writeRegion } from '#kit/object-store/write-region.ts';
import { newId } from '#kit/ids.ts';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** A part as it came, on this machine's disk for as long as it takes to hand it on. */
export interface SpooledPart {
  readonly length: number;
  /** `sha256:…` of its bytes. */
  readonly digest: string;
  /** 8 hexadecimal digits. */
  readonly crc32: string;
  /** The bytes, from the first; may be called for each try. */
  open(): Readable;
}

/**
 * Takes a part whole before the store is asked anything: its length and digest are known then, it can be sent again when
 * the store is overloaded, and a slow sender holds no connection of the store. Costs no memory.
 * @throws SodateError `part-out-of-form` when the body's length is not `length`
 */
export async function spoolPart<Result>(
  { folder, hasher }: { readonly folder: string; readonly hasher: FileHasher },
  { part, length }: { readonly part: number; readonly length: number },
  body: Readable,
  signal: AbortSignal,
  use: (spooled: SpooledPart) => Promise<Result>,
): Promise<Result> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const key = newId<string>();
  const place = path.join(folder, key);
  try {
    const file = await open(place, 'wx', 0o600);
    let crc32: string;
    try {
      crc32 = await writeRegion(file, { part, offset: 0, length }, body, signal);
    } finally {
      await file.close();
    }
    const digest = await hasher.finish(key, place, length);
    return await use({ length, digest, crc32, open: () => createReadStream(place, { highWaterMark: 1024 * 1024 }) });
  } finally {
    await rm(place, { force: true });
  }
}
