import { BackupError } from '#backup/backup-error.ts';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/**
 * A backup is a folder:
 *
 *     manifest.json    what this page describes; manifest.sha256 is its digest
 *     files.jsonl      every other file, one a line, with size and digest
 *     database/        each table as PostgreSQL's COPY writes it
 *     objects/         the bytes of the files of data, by tenant and blob
 *     runs/            output, attachments and logs of each run
 *     git/             the repositories that runs stand on, as git bundles
 *     key              the key of the installation
 */
export const MANIFEST_FILE = 'manifest.json';
export const MANIFEST_DIGEST_FILE = 'manifest.sha256';
export const FILE_LIST = 'files.jsonl';
const FORMAT = 1;

const Column = z.string();
const Table = z.object({ name: z.string(), columns: z.array(Column), file: z.string(), rows: z.number().int() });
export type BackedUpTable = z.infer<typeof Table>;
const Sequence = z.object({ name: z.string(), value: z.string(), called: z.boolean() });

const BackupManifest = z.object({
  format: z.literal(FORMAT),
  version: z.string(),
  installation: z.string().nullable(),
  createdAt: z.string(),
  /** Below it repositories lay that were registered from this machine. */
  gitRoot: z.string(),
  migrations: z.array(z.object({ name: z.string(), digest: z.string() })),
  tables: z.array(Table),
  sequences: z.array(Sequence),
  files: z.object({ count: z.number().int(), bytes: z.number(), digest: z.string() }),
  /** Runs that went on meanwhile: their output and log are as they were at one moment each. */
  liveRuns: z.array(z.string()),
  /** What was damaged or missing at its place already, and what cannot be kept (neither file, folder nor link; a name that is not UTF-8). */
  troubles: z.array(z.string()),
});
export type BackupManifest = z.infer<typeof BackupManifest>;

const relative = z
  .string()
  .refine((name) => name.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..'), 'leads out of the backup');
const BackedUpFile = z.union([
  z.object({ path: relative, size: z.number().int(), digest: z.string(), mode: z.number().int() }),
  z.object({ path: relative, link: z.string() }),
  z.object({ path: relative, folder: z.literal(true), mode: z.number().int() }),
]);
export type BackedUpFile = z.infer<typeof BackedUpFile>;

export async function writeManifest(folder: string, manifest: Omit<BackupManifest, 'format'>): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, ...manifest }, null, 2)}\n`;
  await writeDurably(path.join(folder, MANIFEST_FILE), text);
  await writeDurably(path.join(folder, MANIFEST_DIGEST_FILE), `${createHash('sha256').update(text).digest('hex')}  ${MANIFEST_FILE}\n`);
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws BackupError when the folder is no backup, or one that this program cannot read */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const [text, digest] = await Promise.all([MANIFEST_FILE, MANIFEST_DIGEST_FILE].map((name) => readFile(path.join(folder, name), 'utf8').catch(() => null)));
  if (text === null || text === undefined) throw new BackupError(`${folder} is no backup, or one that was not finished: it has no ${MANIFEST_FILE}.`);
  if (createHash('sha256').update(text).digest('hex') !== digest?.split(' ')[0])
    throw new BackupError(`The backup is damaged: ${MANIFEST_FILE} does not have the digest that ${MANIFEST_DIGEST_FILE} names.`);
  const json = JSON.parse(text) as { readonly format?: unknown; readonly version?: unknown };
  if (json.format !== FORMAT)
    throw new BackupError(
      `The backup has the form ${String(json.format)}, made by Sodate ${String(json.version)}; this version reads form ${FORMAT}. Use that version.`,
    );
  return BackupManifest.parse(json);
}

/** Every file of a backup, as its list names them. */
export async function* readFileList(folder: string): AsyncGenerator<BackedUpFile> {
  const lines = createInterface({ input: createReadStream(path.join(folder, FILE_LIST)), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const parsed = BackedUpFile.safeParse(toJson(line));
    if (!parsed.success) throw new BackupError(`The backup is damaged: ${FILE_LIST} has a line out of form.`);
    yield parsed.data;
  }
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
