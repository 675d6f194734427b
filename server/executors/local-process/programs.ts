import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '#kit/clock.ts';
import { LAUNCHER, LOCK_HELD, lockCommand, MONITOR, SHIM, TOOL_ENVIRONMENT } from './scripts.ts';

export interface Programs {
  readonly launcher: string;
  readonly monitor: string;
  readonly shim: string;
}

/** Files, so that process lists are readable; named by content, so that an upgrade never changes one that sh is reading. */
export async function writePrograms(folder: string): Promise<Programs> {
  const contents = { launcher: LAUNCHER, monitor: MONITOR, 'run-job': SHIM };
  const hash = createHash('sha256').update(JSON.stringify(contents)).digest('hex').slice(0, 16);
  const final = join(folder, `.programs-${hash}`);
  const temporary = await mkdtemp(join(folder, '.new-programs-'));
  await chmod(temporary, 0o755);
  for (const [name, text] of Object.entries(contents)) await writeFile(join(temporary, name), text);
  await rename(temporary, final).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    await rm(temporary, { recursive: true, force: true });
  });
  return { launcher: join(final, 'launcher'), monitor: join(final, 'monitor'), shim: join(final, 'run-job') };
}

async function exitCodeOf(command: readonly string[]): Promise<number | null> {
  const [file = '', ...args] = command;
  try {
    await promisify(execFile)(file, args, { env: TOOL_ENVIRONMENT, cwd: '/' });
    return 0;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return typeof code === 'number' ? code : null;
  }
}

export async function checkTools(folder: string): Promise<void> {
  const code = await exitCodeOf([...lockCommand(join(folder, '.lock-probe')), 'setsid', '--fork', 'true']);
  if (code !== 0) throw new Error('The local process executor needs the programs flock and setsid of util-linux; they could not be run.');
}

/**
 * Whether anything of the attempt still lives. Takes the lock for an instant, so ask only when nothing may start any more.
 * A fork of the server, so ask only when something is wrong.
 */
export async function isLocked(file: string): Promise<boolean> {
  return (await exitCodeOf([...lockCommand(file), 'true'])) === LOCK_HELD;
}

const LEFTOVER_AGE_MS = 3600_000;

/** What a server left half-made when it was killed while it started. Another one may be starting now, hence the age. */
export async function removeLeftovers(folder: string, clock: Clock): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\.(new|probe)-/.test(name)) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => null);
    if (info && clock.now().getTime() - info.mtimeMs > LEFTOVER_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}
