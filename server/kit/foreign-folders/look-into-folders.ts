import { type FolderNames, indexAfter, type NamesCache } from '#kit/foreign-folders/folder-names.ts';
import { rawToText } from '#kit/foreign-folders/name-text.ts';
import { type HeldFolder, holdFolder } from '#kit/foreign-folders/open-inside.ts';
import { lstatSync } from 'node:fs';

/** Names and paths here are raw: one character a byte. */
export interface RawEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly size: number | null;
  readonly modifiedMs: number | null;
}

export interface ListOrder {
  readonly root: string;
  readonly path: string;
  readonly after: string | null;
  readonly limit: number;
  readonly nowMs: number;
}

export interface ListReport {
  readonly entries: readonly RawEntry[];
  /** Continues after this name; null at the end. */
  readonly after: string | null;
  readonly total: number;
  readonly cut: boolean;
}

/** One level of a folder, in the order of names' bytes. @returns null when there is no such folder */
export function listLevel(cache: NamesCache, order: ListOrder): ListReport | null {
  const folder = holdFolder(order.root, order.path);
  if (folder === null) return null;
  try {
    const { names, cut } = cache.read(folder, order.nowMs);
    const from = order.after === null ? 0 : indexAfter(names, order.after);
    const page = names.slice(from, from + order.limit);
    const more = from + order.limit < names.length;
    return {
      entries: page.map((name) => lookAt(folder, name, name)).filter((entry) => entry !== null),
      after: more ? (page.at(-1) ?? null) : null,
      total: names.length,
      cut,
    };
  } finally {
    folder.close();
  }
}

export interface WalkOrder {
  readonly root: string;
  /** The folder whose tree is walked; the paths reported are below the root. */
  readonly path: string;
  /** Continues after the entry of this path, which is below `path`. */
  readonly after: string | null;
  /** Entries reported; 0 only counts. */
  readonly limit: number;
  /** Names looked at. */
  readonly look: number;
  /** Only entries whose own name contains this text, in whatever case. */
  readonly text: string | null;
  readonly nowMs: number;
}

export interface WalkReport {
  /** `name` is the whole path below the root. */
  readonly entries: readonly RawEntry[];
  readonly looked: number;
  /** Continues after this path; null at the end. */
  readonly after: string | null;
}

interface Level {
  readonly path: string;
  readonly names: FolderNames;
  at: number;
}

const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/**
 * A tree, folders before what is in them, each level in the order of names' bytes. Where it continues is said by a path,
 * which need not exist any more. Links are reported and never followed. What cannot be read is passed over.
 * @returns null when there is no such folder
 */
export function walkTree(cache: NamesCache, order: WalkOrder): WalkReport | null {
  const held = holder(order.root);
  try {
    const read = (path: string): FolderNames | null => {
      const folder = held.folder(path);
      return folder === null ? null : cache.read(folder, order.nowMs);
    };
    const first = read(order.path);
    if (first === null) return null;
    const levels: Level[] = [{ path: order.path, names: first, at: 0 }];
    if (order.after !== null) goAfter(levels, order.after, read);
    const wanted = order.text?.toLowerCase() ?? null;
    const entries: RawEntry[] = [];
    let looked = 0;
    let last = order.after;
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names.names[level.at];
      if (name === undefined) {
        levels.pop();
        continue;
      }
      if (looked >= order.look || (order.limit > 0 && entries.length >= order.limit)) return { entries, looked, after: last };
      const isFolder = level.names.isFolder(level.at);
      level.at += 1;
      looked += 1;
      const path = join(level.path, name);
      last = path;
      if (order.limit > 0 && (wanted === null || rawToText(name).toLowerCase().includes(wanted))) {
        const folder = held.folder(level.path);
        const entry = folder === null ? null : lookAt(folder, name, path);
        if (entry !== null) entries.push(entry);
      }
      const names = isFolder ? read(path) : null;
      if (names !== null) levels.push({ path, names, at: 0 });
    }
    return { entries, looked, after: null };
  } finally {
    held.close();
  }
}

/** Puts the stack of levels to where the entry of a path was left. */
function goAfter(levels: Level[], after: string, read: (path: string) => FolderNames | null): void {
  const root = levels[0]?.path ?? '';
  let folder = root;
  for (const segment of after.slice(root === '' ? 0 : root.length + 1).split('/')) {
    const level = levels.at(-1);
    if (level === undefined) return;
    level.at = indexAfter(level.names.names, segment);
    folder = join(folder, segment);
    // Its contents come next, when it is (still) a folder.
    const isFolder = level.names.names[level.at - 1] === segment && level.names.isFolder(level.at - 1);
    const names = isFolder ? read(folder) : null;
    if (names === null) return;
    levels.push({ path: folder, names, at: 0 });
  }
}

/** Holds the folder asked for last, because the next question is mostly about the same: a tree can be deeper than files may be open. */
function holder(root: string): { folder(path: string): HeldFolder | null; close(): void } {
  let last: { readonly path: string; readonly folder: HeldFolder | null } | null = null;
  return {
    folder(path) {
      if (last?.path === path) return last.folder;
      last?.folder?.close();
      last = { path, folder: holdFolder(root, path) };
      return last.folder;
    },
    close: () => last?.folder?.close(),
  };
}

/** null when it is gone by now. */
function lookAt(folder: HeldFolder, name: string, as: string): RawEntry | null {
  try {
    const stat = lstatSync(folder.inside(name), { throwIfNoEntry: false });
    if (stat === undefined) return null;
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other';
    return { name: as, kind, size: kind === 'file' ? stat.size : null, modifiedMs: stat.mtimeMs };
  } catch {
    // A folder of which only the names may be read.
    return { name: as, kind: 'other', size: null, modifiedMs: null };
  }
}
