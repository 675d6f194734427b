import type { HeldFolder } from '#kit/foreign-folders/open-inside.ts';
import { fstatSync, lstatSync, opendirSync } from 'node:fs';

/** Names read of one folder; what is beyond is not shown, and said to be there. A name takes about 60 bytes of memory. */
export const FOLDER_NAMES_LIMIT = 5_000_000;
/** Names kept of the folders looked at last, each folder counting for some. The folder in use stays, however large it is. */
const KEPT_NAMES_LIMIT = 2_000_000;
const NAMES_OF_AN_EMPTY_FOLDER = 20;
/** A folder's time has the grain of the kernel's tick: changed once more within it, it looks unchanged. */
const SETTLED_AFTER_MS = 2_000;
/**
 * A folder of very many names that changes is read again only after this many times what reading it took: one that is
 * written to without end costs a tenth of a core. Others are read again at once.
 */
const REUSE_FOR_READS = 10;
const MANY_NAMES = 20_000;

export interface FolderNames {
  /** In the order of their bytes, one character a byte. */
  readonly names: readonly string[];
  /** Which of them are folders; links never are. */
  isFolder(at: number): boolean;
  /** There are more than were read. */
  readonly cut: boolean;
}

interface Kept extends FolderNames {
  readonly changedAt: string;
  readonly settled: boolean;
  readonly readAtMs: number;
  readonly tookMs: number;
}

/** The names of folders, sorted, kept as long as a folder stays as it was. */
export interface NamesCache {
  /** @param nowMs the present time, by which a changing folder's names grow old */
  read(folder: HeldFolder, nowMs: number): FolderNames;
}

export function makeNamesCache(): NamesCache {
  const kept = new Map<string, Kept>();
  let weight = 0;
  const weightOf = ({ names }: FolderNames): number => names.length + NAMES_OF_AN_EMPTY_FOLDER;
  const drop = (key: string): Kept | undefined => {
    const dropped = kept.get(key);
    if (dropped !== undefined && kept.delete(key)) weight -= weightOf(dropped);
    return dropped;
  };
  return {
    read(folder, nowMs) {
      const stat = fstatSync(folder.fd, { bigint: true });
      // The number of a removed folder is given to the next one.
      const key = `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
      const changedAt = `${stat.mtimeNs} ${stat.ctimeNs}`;
      const before = drop(key);
      const names = before !== undefined && isUsable(before, changedAt, nowMs) ? before : read(folder, changedAt, Number(stat.mtimeMs), nowMs);
      // Put in last: the first of the map is the one not used for longest.
      kept.set(key, names);
      weight += weightOf(names);
      for (const oldest of kept.keys()) {
        if (oldest === key || weight <= KEPT_NAMES_LIMIT) break;
        drop(oldest);
      }
      return names;
    },
  };
}

const isUsable = (before: Kept, changedAt: string, nowMs: number): boolean =>
  (before.changedAt === changedAt && before.settled) || (before.names.length > MANY_NAMES && nowMs - before.readAtMs < before.tookMs * REUSE_FOR_READS);

function read(folder: HeldFolder, changedAt: string, modifiedMs: number, nowMs: number): Kept {
  const began = performance.now();
  const names = readNames(folder);
  return { ...names, changedAt, settled: nowMs - modifiedMs > SETTLED_AFTER_MS, readAtMs: nowMs, tookMs: performance.now() - began };
}

function readNames(folder: HeldFolder): FolderNames {
  // NUL and the kind behind each name: no name has a NUL, so what is sorted is the name.
  const marked: string[] = [];
  const directory = opendirSync(folder.itself as unknown as string, { encoding: 'buffer' as BufferEncoding, bufferSize: 1024 });
  let cut = false;
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (marked.length >= FOLDER_NAMES_LIMIT) {
        cut = true;
        break;
      }
      const name = (entry.name as unknown as Buffer).toString('latin1');
      marked.push(`${name}\0${isFolderEntry(folder, entry, name) ? 'd' : 'f'}`);
    }
  } finally {
    directory.closeSync();
  }
  marked.sort();
  const folders = new Set<number>();
  const names = marked.map((name, at) => {
    if (name.endsWith('d')) folders.add(at);
    return name.slice(0, -2);
  });
  return { names, isFolder: (at) => folders.has(at), cut };
}

interface EntryKind {
  isDirectory(): boolean;
  isFile(): boolean;
  isSymbolicLink(): boolean;
}

/** Some file systems do not say what an entry is. */
function isFolderEntry(folder: HeldFolder, entry: EntryKind, rawName: string): boolean {
  if (entry.isDirectory()) return true;
  if (entry.isFile() || entry.isSymbolicLink()) return false;
  return lstatSync(folder.inside(rawName), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Where the first name after this one is. */
export function indexAfter(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}
