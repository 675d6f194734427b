import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What one installation keeps on one machine, and the two things that make it itself. */
export interface Home {
  readonly folder: string;
  /** Identifies this server in leases; the same after a restart. */
  readonly serverId: string;
  /** 32 random bytes from which signatures are made. Never leaves this file and memory. */
  readonly key: Buffer;
}

/** Opens the home, making what is missing. It and its key are for its owner alone. */
export async function openHome(folder: string): Promise<Home> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o711).catch(() => {});
  const key = Buffer.from(await readOrMake(path.join(folder, 'key'), () => randomBytes(32).toString('hex')), 'hex');
  if (key.length !== 32)
    throw new Error(
      `The key file ${path.join(folder, 'key')} is damaged. Restore it from a backup; without it no signed address and no job token made before is valid.`,
    );
  return { folder, serverId: await readOrMake(path.join(folder, 'server-id'), randomUUID), key };
}

/** Made whole under another name and then linked, so that of two starters one makes it and both read the same. */
async function readOrMake(file: string, make: () => string): Promise<string> {
  const existing = await readFile(file, 'utf8').catch(() => null);
  if (existing !== null) return existing.trim();
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${make()}\n`, { mode: 0o600, flush: true });
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  return (await readFile(file, 'utf8')).trim();
}
