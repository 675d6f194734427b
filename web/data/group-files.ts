/** A file somebody dropped, with its path below what was dropped, segments joined by `/`. */
export interface ChosenFile {
  readonly path: string;
  readonly file: File;
}

export const GROUPINGS = ['together', 'folder', 'file'] as const;
/** One data of everything, one of each folder, or one of each file. */
export type Grouping = (typeof GROUPINGS)[number];

export interface FileGroup {
  /** What the data is called unless somebody says otherwise. */
  readonly name: string;
  readonly files: readonly ChosenFile[];
}

/** Browsers begin a dropped file's path with `/` or `./`, and give none to a single file. */
export const chosen = (file: File): ChosenFile => {
  const { path } = file as { readonly path?: string };
  const given = path !== undefined && path !== '' ? path : file.webkitRelativePath === '' ? file.name : file.webkitRelativePath;
  return { path: given.replace(/^\.?\/+/, ''), file };
};

/** The folders on top; null stands for files that lie in none. */
const topOf = (path: string): string | null => (path.includes('/') ? (path.split('/')[0] ?? null) : null);

/** The folder that everything lies in, where there is one. */
export function commonFolder(files: readonly ChosenFile[]): string | null {
  const tops = new Set(files.map(({ path }) => topOf(path)));
  const [only = null] = tops;
  return tops.size === 1 ? only : null;
}

const below = (files: readonly ChosenFile[], folder: string | null): readonly ChosenFile[] =>
  folder === null ? files : files.map(({ path, file }) => ({ path: path.slice(folder.length + 1), file }));

/**
 * Which data the files become. A folder that holds everything gives its name and is not repeated in the files' paths, as
 * with the command line.
 */
export function groupFiles(files: readonly ChosenFile[], grouping: Grouping): readonly FileGroup[] {
  const folder = commonFolder(files);
  const inside = below(files, folder);
  if (grouping === 'file') return inside.map(({ path, file }) => ({ name: path, files: [{ path: path.split('/').at(-1) ?? path, file }] }));
  if (grouping === 'together') {
    const [first] = inside;
    return first === undefined ? [] : [{ name: folder ?? (inside.length === 1 ? first.path : (first.path.split('/')[0] ?? first.path)), files: inside }];
  }
  const groups = new Map<string, ChosenFile[]>();
  for (const one of inside) {
    const top = topOf(one.path);
    const name = top ?? folder ?? one.path;
    const members = groups.get(name) ?? [];
    members.push(top === null ? one : { path: one.path.slice(top.length + 1), file: one.file });
    groups.set(name, members);
  }
  return [...groups].map(([name, members]) => ({ name, files: members }));
}

/** Grouping by folder says something only where there are folders. */
export const hasFolders = (files: readonly ChosenFile[]): boolean => below(files, commonFolder(files)).some(({ path }) => path.includes('/'));
