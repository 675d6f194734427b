import { chmodSync, constants, copyFileSync, lchownSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Copies a folder that nobody changes meanwhile to a place where nothing is yet: modes and links as they are (a link is
 * copied, never followed), blocks shared where the file system can. Synchronous, for a worker thread. Works on bytes,
 * since names in a repository need not be UTF-8.
 */
export function copyTree(from: string, to: string, owner: Owner | null): void {
  const folders: { readonly to: Buffer; readonly mode: number }[] = [];
  const waiting: { readonly from: Buffer; readonly to: Buffer }[] = [{ from: Buffer.from(from), to: Buffer.from(to) }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    mkdirSync(next.to, { mode: 0o700 });
    folders.push({ to: next.to, mode: lstatSync(next.from).mode & 0o7777 });
    for (const entry of readdirSync(next.from, { encoding: 'buffer', withFileTypes: true })) {
      const source = below(next.from, entry.name);
      const target = below(next.to, entry.name);
      if (entry.isDirectory()) waiting.push({ from: source, to: target });
      else {
        if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source, { encoding: 'buffer' }), target);
        else if (entry.isFile()) copyFileSync(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        else throw new Error(`Neither a file, a folder nor a link: ${source.toString()}`);
        if (owner !== null) lchownSync(target, owner.uid, owner.gid);
      }
    }
  }
  // From the leaves up: a folder may be read only, and must not be before it is filled.
  for (const folder of folders.reverse()) {
    chmodSync(folder.to, folder.mode);
    if (owner !== null) lchownSync(folder.to, owner.uid, owner.gid);
  }
}

const SLASH = Buffer.from('/');
export const below = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name]);
