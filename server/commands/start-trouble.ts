import { CommandError } from '#commands/command-error.ts';
import { isDatabaseUnavailable, isDiskFull } from '#kit/db/database-errors.ts';
import { ObjectStoreRefused } from '#kit/object-store/object-store-refused.ts';

/** PostgreSQL's programs say it in words, which end up in the message of whoever ran them. */
const SAYS_DISK_FULL = /No space left on device|Disk quota exceeded/;

/** What is wrong with the home, in words for people, where an error of a start shows that; any other error as it is. */
export function explainStartTrouble(error: unknown, home: string): unknown {
  if (error instanceof ObjectStoreRefused) return new CommandError(error.message);
  const text = error instanceof Error ? error.message : '';
  if (isDiskFull(error) || SAYS_DISK_FULL.test(text)) {
    return new CommandError(`The disk of the home ${home} is full. Free some space, or set SODATE_HOME to a folder on a larger disk, then start again.`);
  }
  if (isDatabaseUnavailable(error)) {
    return new CommandError(`The database broke off while Sodate was starting: ${text}. Nothing is lost. Start again; if it stays so, look at its log.`);
  }
  const { code, path } = error as { readonly code?: unknown; readonly path?: unknown };
  if (typeof path !== 'string' || !(path.startsWith(home) || home.startsWith(path))) return error;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new CommandError(`The home ${home} cannot be written: ${text}. Give it to the user who runs this, or set SODATE_HOME to another folder.`);
  }
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return new CommandError(`The home ${home} cannot be made: ${text}. Set SODATE_HOME to a folder.`);
  }
  return error;
}
