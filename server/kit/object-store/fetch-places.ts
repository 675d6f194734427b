import type { Clock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import type { BlobId } from '#kit/object-store/object-store.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** What nobody went on with for so long is removed at the next start. */
const KEPT_MS = 24 * 3_600_000;
const WRITABLE = 0o600;
const NAME = /^[0-9a-f-]{36}\.[0-9a-f-]{36}$/;

/**
 * The files that fetched blobs are written into, before they are the cache's. Each is named for its blob, so that a server
 * that is started again finds what the one before has brought. Nothing says that these bytes are right: a crash of the
 * machine may have lost some. Whoever goes on with them has to compare the whole with a digest.
 */
export interface FetchPlaces {
  /** A name for a temporary file, removed at the next start. */
  temporary(): string;
  fileOf(tenant: TenantId, blob: BlobId): string;
  /** The file is the caller's until `release`. @returns bytes of an earlier fetch in it; 0 when there is no file */
  take(file: string): Promise<number>;
  release(file: string): void;
  isTaken(file: string): boolean;
  /** Files of fetches, under way or left over, temporary ones aside. */
  list(): Promise<readonly string[]>;
}

/** @param folder of one cache alone */
export function openFetchPlaces(folder: string, clock: Clock): FetchPlaces {
  const taken = new Set<string>();
  sweep(folder, clock.now().getTime());
  return {
    temporary: () => path.join(folder, newId<string>()),
    fileOf: (tenant, blob) => path.join(folder, `${tenant}.${blob}`),
    async take(file) {
      taken.add(file);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const found = await stat(file).catch(() => null);
      if (found === null) return 0;
      // Another name of it is in use: whoever wrote into this one would change what jobs see.
      if (found.nlink > 1) {
        await rm(file);
        return 0;
      }
      await chmod(file, WRITABLE);
      return found.size;
    },
    release: (file) => void taken.delete(file),
    isTaken: (file) => taken.has(file),
    list: async () => (await readdir(folder).catch(() => [])).filter((name) => NAME.test(name)).map((name) => path.join(folder, name)),
  };
}

/** Before anybody works here. */
function sweep(folder: string, nowMs: number): void {
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name);
    const found = statSync(file, { throwIfNoEntry: false });
    const isOfUse = NAME.test(name) && found?.isFile() === true && found.size > 0 && found.nlink === 1 && nowMs - found.mtimeMs < KEPT_MS;
    if (!isOfUse) rmSync(file, { recursive: true, force: true });
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
