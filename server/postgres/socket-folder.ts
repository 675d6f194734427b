import { createHash } from 'node:crypto';
import { chown, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresError, USE_YOUR_OWN } from './postgres-error.ts';
import { SOCKET_PORT } from './postgres-settings.ts';

/** `sun_path` is 108 bytes on Linux and 104 on macOS, the final zero included. */
const LONGEST_PATH_BYTES = { linux: 107, other: 103 };

/**
 * The folder of the database itself, where its path is short enough for a socket; otherwise a folder in the system's temporary
 * folder whose name derives from it, so that every process finds the same one without being told.
 */
export function socketFolderFor(folder: string, temporaryFolder: string, platform: string): string {
  const longest = platform === 'linux' ? LONGEST_PATH_BYTES.linux : LONGEST_PATH_BYTES.other;
  const fits = (candidate: string) => Buffer.byteLength(join(candidate, `.s.PGSQL.${SOCKET_PORT}`)) <= longest;
  if (fits(folder)) return folder;
  const short = join(temporaryFolder, `sodate-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`);
  if (fits(short)) return short;
  throw new PostgresError(
    'cannot-start',
    `The path of a Unix socket may have ${longest} bytes; both ${folder} and ${short} are too long. Choose a shorter SODATE_HOME, ${USE_YOUR_OWN}.`,
  );
}

/** Others can create names in the temporary folder too, so what is found there is used only if it is a real folder of ours. */
export async function prepareSocketFolder(socketFolder: string, owner: { readonly uid: number; readonly gid: number } | undefined): Promise<void> {
  await mkdir(socketFolder, { recursive: true, mode: 0o700 });
  const found = await lstat(socketFolder);
  const ours = [process.getuid?.() ?? found.uid, owner?.uid];
  if (!found.isDirectory() || !ours.includes(found.uid) || (found.mode & 0o022) !== 0) {
    throw new PostgresError(
      'cannot-start',
      `${socketFolder} is needed for the socket of the database, but others can write to it or own it. Remove it, or choose a shorter SODATE_HOME.`,
    );
  }
  if (owner !== undefined && found.uid !== owner.uid) await chown(socketFolder, owner.uid, owner.gid);
}
