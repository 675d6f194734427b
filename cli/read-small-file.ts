import { readFile, stat } from 'node:fs/promises';
import { CliError } from './cli-error.ts';

/** Keys are much smaller; whatever is larger is another file by mistake. */
const LIMIT_BYTES = 65_536;

/** The text of a file that somebody named. */
export async function readSmallFile(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > LIMIT_BYTES) throw new CliError(`${file} is larger than ${LIMIT_BYTES / 1024} KiB. That is no key.`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
