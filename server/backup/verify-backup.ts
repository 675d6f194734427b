import { BackupError } from '#backup/backup-error.ts';
import { type BackupManifest, FILE_LIST, readFileList, readManifest } from '#backup/backup-manifest.ts';
import { together } from '#backup/copy-objects.ts';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';

/** More are counted, but not named. */
const NAMED_DAMAGES = 20;

/** Reads every byte of a backup. @throws BackupError naming the files that are damaged or missing */
export async function verifyBackup(folder: string): Promise<BackupManifest> {
  const manifest = await readManifest(folder);
  if ((await digestOf(path.join(folder, FILE_LIST))) !== manifest.files.digest)
    throw new BackupError(`The backup is damaged: ${FILE_LIST} does not have the digest that the manifest names.`);
  const damaged: string[] = [];
  await together(readFileList(folder), async (file) => {
    if (!('digest' in file)) return;
    const place = path.join(folder, file.path);
    const found = await lstat(place).catch(() => null);
    if (found?.isFile() !== true) damaged.push(`${file.path} is missing`);
    else if (found.size !== file.size) damaged.push(`${file.path} has ${found.size} bytes, not ${file.size}`);
    else if ((await digestOf(place).catch(() => 'unreadable')) !== file.digest) damaged.push(`${file.path} has other bytes than when it was backed up`);
  });
  if (damaged.length === 0) return manifest;
  const more = damaged.length > NAMED_DAMAGES ? `\n  and ${damaged.length - NAMED_DAMAGES} more` : '';
  throw new BackupError(`The backup is damaged:\n  ${damaged.slice(0, NAMED_DAMAGES).join('\n  ')}${more}\nUse another backup; nothing was restored.`);
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
