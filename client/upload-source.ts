import { FileName } from '@sodate/contract/names.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { Digests } from './digests.ts';
import type { TakeMemory } from './part-memory.ts';

export interface SourceFile {
  /** As it shall be called in the data, segments joined by `/`. */
  readonly name: string;
  readonly size: number;
  /**
   * Exactly the bytes from `start` up to, not including, `end`. May be called again for the same part.
   * @param take gives memory that may be used for them instead of new
   * @throws SourceTrouble when this file cannot be uploaded now; others can
   */
  read(start: number, end: number, take?: TakeMemory): Promise<Blob | Uint8Array<ArrayBuffer>>;
}

/** One file cannot be uploaded, through no fault of the server: it changed while it was read, or may not be read. */
export class SourceTrouble extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'SourceTrouble';
  }
}

/** A file that is left out, and why. */
export interface RefusedFile {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** @returns what is wrong with each name, before anything is sent */
export function refusedNames(files: readonly SourceFile[]): ReadonlyMap<SourceFile, SodateError> {
  const refused = new Map<SourceFile, SodateError>();
  const seen = new Set<string>();
  for (const file of files) {
    const parsed = FileName.safeParse(file.name);
    const details = !parsed.success
      ? `the file name ${JSON.stringify(file.name)}: ${parsed.error.issues[0]?.message ?? 'not allowed'}`
      : seen.has(file.name)
        ? `two files named ${JSON.stringify(file.name)}`
        : null;
    if (details !== null) refused.set(file, new SodateError('invalid-request', { details }));
    seen.add(file.name);
  }
  return refused;
}

export async function readBytes(file: SourceFile, start: number, end: number, take?: TakeMemory): Promise<Uint8Array<ArrayBuffer>> {
  const read = await file.read(start, end, take);
  return read instanceof Uint8Array ? read : new Uint8Array(await read.arrayBuffer());
}

const DIGEST_STEP_BYTES = 4 * 1024 * 1024;

/** The digest of the whole file, read in steps. */
export async function digestOf(file: SourceFile, digests: Digests, signal: AbortSignal | undefined): Promise<string> {
  const running = digests.sha256();
  let memory: Uint8Array<ArrayBuffer> | undefined;
  const take: TakeMemory = () => (memory ??= new Uint8Array(Math.min(file.size, DIGEST_STEP_BYTES)));
  for (let at = 0; at < file.size; at += DIGEST_STEP_BYTES) {
    signal?.throwIfAborted();
    await running.update(await readBytes(file, at, Math.min(file.size, at + DIGEST_STEP_BYTES), take));
  }
  return running.digest();
}
