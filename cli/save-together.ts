import { persist } from '@sodate/client/backoff.ts';
import { ApiError, isPassing, UnexpectedAnswer } from '@sodate/client/connection-errors.ts';
import { placeBelow } from './place-below.ts';
import { BACKOFF, findThere, saveBytes, type Saved } from './save-file.ts';
import type { VerifiedFiles } from './verified-files.ts';

export interface WantedFile {
  readonly name: string;
  readonly size: number;
  readonly digest?: string | undefined;
}

/** The bytes of files as they come, with the digest that the server gives them; those that are not there do not come. */
export type FilesTogether<File> = (
  files: readonly File[],
  signal: AbortSignal,
) => AsyncIterable<{ readonly file: File; readonly digest: string; readonly bytes: Uint8Array }>;

interface Group<File> {
  readonly folder: string;
  readonly files: readonly File[];
  readonly signal: AbortSignal;
  readonly verified: VerifiedFiles;
  readonly onBytes: (count: number) => void;
  readonly done: (file: File, saved: Saved) => void;
  /** Does something about one file; what is wrong with that file alone is noted, and not thrown. */
  readonly orLeftOut: (file: File, work: () => Promise<void>) => Promise<void>;
}

/**
 * Saves small files that are asked for together. An answer that breaks off is asked for again without what has come.
 * @returns those that did not come so, to be asked for one by one: that tells what is wrong with each, and a server that
 * does not know this request serves them so
 */
export async function saveTogether<File extends WantedFile>(group: Group<File>, together: FilesTogether<File>): Promise<readonly File[]> {
  const { folder, signal, verified, onBytes, done, orLeftOut } = group;
  const missing = new Map<File, string>();
  const checked = new Set<string>();
  for (const file of group.files) {
    await orLeftOut(file, async () => {
      const path = await placeBelow(folder, file.name, checked);
      const there = file.digest === undefined ? null : await findThere(path, file.digest, verified);
      if (there === null) return void missing.set(file, path);
      onBytes(there.size);
      done(file, there);
    });
  }
  const alone: File[] = [];
  const fetchMissing = async (): Promise<void> => {
    if (missing.size === 0) return;
    for await (const { file, digest, bytes } of together([...missing.keys()], signal)) {
      const path = missing.get(file);
      if (path === undefined) continue;
      missing.delete(file);
      await orLeftOut(file, async () => {
        const saved = await saveBytes(path, file.digest ?? digest, bytes, verified);
        if (saved === null) return void alone.push(file);
        onBytes(saved.size);
        done(file, saved);
      });
    }
  };
  try {
    await persist(BACKOFF, signal, isPassing, fetchMissing);
  } catch (error) {
    // What the server refuses or this client cannot read; a disk that is full, or the end of the command, stays an error.
    if (signal.aborted || isPassing(error) || !(error instanceof ApiError || error instanceof UnexpectedAnswer)) throw error;
  }
  return [...missing.keys(), ...alone];
}
