import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Cli } from './cli.ts';
import { formatBytes } from './output/bytes.ts';
import { saveFile } from './save-file.ts';

/** Writes a zip that the server makes while it is read, so how large it will be is not known before. */
export async function saveArchive(cli: Cli, path: string, request: () => Promise<Response>): Promise<void> {
  let arrived = 0;
  await mkdir(dirname(path), { recursive: true });
  const onBytes = (count: number): void => {
    arrived += count;
    if (cli.terminal.interactive && !cli.json) cli.terminal.err(`\r\u001b[K${formatBytes(arrived)}`);
  };
  try {
    await saveFile(cli, { folder: dirname(path), name: basename(path), onBytes }, request);
  } finally {
    if (cli.terminal.interactive && !cli.json) cli.terminal.err('\r\u001b[K');
  }
  await cli.show({ file: path, bytes: arrived }, () => `${path} has ${formatBytes(arrived)}.`);
}
