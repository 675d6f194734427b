import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** What stands in a repository in place of a file that Git LFS keeps. */
export interface LfsPointer {
  /** SHA-256 of the content, in hexadecimal. */
  readonly oid: string;
  readonly size: number;
}

/** Pointers are smaller than this, by their own specification. */
const POINTER_LIMIT_BYTES = 1024;
const FIRST_LINE = /^version https:\/\/(git-lfs\.github\.com|hawser\.github\.com)\/spec\/v1\n/;

/** Null for anything else: then it is the content itself. */
export function parseLfsPointer(text: string): LfsPointer | null {
  if (!FIRST_LINE.test(text)) return null;
  const oid = /\noid sha256:([0-9a-f]{64})\n/.exec(text)?.[1];
  const size = /\nsize (0|[1-9][0-9]{0,15})(\n|$)/.exec(text)?.[1];
  return oid === undefined || size === undefined || !Number.isSafeInteger(Number(size)) ? null : { oid, size: Number(size) };
}

/** Reads one file of a working tree; a link is not followed and is no pointer. */
export async function readLfsPointer(file: string): Promise<LfsPointer | null> {
  const opened = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ELOOP' || error.code === 'ENOENT') return null;
    throw error;
  });
  if (opened === null) return null;
  try {
    const found = await opened.stat();
    if (!found.isFile() || found.size >= POINTER_LIMIT_BYTES) return null;
    return parseLfsPointer((await opened.readFile()).toString('utf8'));
  } finally {
    await opened.close();
  }
}
