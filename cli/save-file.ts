import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { type Backoff, persist } from '@sodate/client/backoff.ts';
import { isPassing } from '@sodate/client/connection-errors.ts';
import { readBody } from '@sodate/client/read-body.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';

export interface Download {
  readonly folder: string;
  /** As the server calls it; may hold folders. */
  readonly name: string;
  readonly digest?: string | undefined;
  readonly onBytes: (count: number) => void;
}

const BACKOFF: Backoff = { retries: 5, firstDelayMs: 300, longestDelayMs: 5_000 };

/**
 * Writes what `open` answers to a file below a folder, beginning again when the connection breaks. The name comes from the
 * server and may have been chosen by anybody, so one that leads out of the folder is refused. The file appears under its
 * name only when it is whole and, where a digest is given, has it.
 */
export async function saveFile(cli: Cli, download: Download, request: () => Promise<Response>): Promise<void> {
  const path = placeBelow(download.folder, download.name);
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  try {
    const digest = await persist(BACKOFF, cli.signal, isPassing, async () => {
      let arrived = 0;
      try {
        return await writeBody(part, readBody(await request(), cli.server, cli.signal), (count) => {
          arrived += count;
          download.onBytes(count);
        });
      } catch (error) {
        download.onBytes(-arrived);
        throw error;
      }
    });
    if (download.digest !== undefined && download.digest !== digest) {
      throw new CliError(`${download.name} arrived with other content than the server knows (${digest} instead of ${download.digest}). Try again.`);
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function writeBody(path: string, body: AsyncIterable<Uint8Array>, onBytes: (count: number) => void): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path, 'w');
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      await handle.appendFile(chunk);
      onBytes(chunk.length);
    }
  } finally {
    await handle.close();
  }
  return `sha256:${hash.digest('hex')}`;
}

function placeBelow(folder: string, name: string): string {
  const root = resolve(folder);
  const path = resolve(root, name);
  const odd = name.split('/').some((segment) => segment === '' || segment === '.' || segment === '..') || name.includes('\u0000') || name.includes('\\');
  if (odd || !path.startsWith(root === sep ? sep : root + sep))
    throw new CliError(`The file name ${JSON.stringify(name)} leads out of the folder and is refused.`);
  return path;
}
