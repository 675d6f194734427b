import { forEachOf } from '@sodate/client/for-each-of.ts';
import { BUNDLED_UP_TO_BYTES, inBundles } from '@sodate/client/in-bundles.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { formatBytes } from './output/bytes.ts';
import { progress } from './output/progress.ts';
import { printable } from './output/table.ts';
import { type RequestFrom, saveFile, type Saved } from './save-file.ts';
import { type FilesTogether, saveTogether, type WantedFile } from './save-together.ts';
import { openVerifiedFiles } from './verified-files.ts';

export interface WantedFiles<File extends WantedFile> {
  readonly folder: string;
  /** Asked for as there is room, so that a long list is never in memory as a whole. */
  readonly pages: Iterable<readonly File[]> | AsyncIterable<readonly File[]>;
  /** Where it is not known beforehand, what has been listed so far is taken. */
  readonly total?: { readonly files: number; readonly bytes: number };
  readonly concurrency?: number | undefined;
}

export interface FileSource<File extends WantedFile> {
  one(file: File, headers: Readonly<Record<string, string>>, signal: AbortSignal): ReturnType<RequestFrom>;
  /** Small files, many by one request. */
  readonly together?: FilesTogether<File>;
}

const DEFAULT_CONCURRENCY = 4;
/** Gone from the server meanwhile, or not to be had on this machine's file system: that file is left out, and the others come. */
const NOT_HERE = new Set(['not-found', 'ENAMETOOLONG', 'EISDIR', 'ENOTDIR', 'EEXIST', 'EINVAL', 'EILSEQ', 'ELOOP', 'ENOTEMPTY']);

/**
 * Fetches files into a folder, several at a time. What was cut off goes on with the next call, and files that are there with
 * the same content are not fetched. Says at the end what could not be saved, and why.
 * @returns the exit code: 1 when a file was left out
 */
export async function saveFiles<File extends WantedFile>(cli: Cli, wanted: WantedFiles<File>, source: FileSource<File>): Promise<0 | 1> {
  const { folder } = wanted;
  const total = { ...(wanted.total ?? { files: 0, bytes: 0 }) };
  const verified = await openVerifiedFiles(cli.environment, folder);
  const bar = progress(cli.terminal, cli.json);
  const refused: { readonly name: string; readonly message: string }[] = [];
  /** For JSON alone, which names every file. */
  const listed: File[] = [];
  /** Saved as they were when they were read, which is not as they were listed: a job writes to them. */
  const changed: { readonly name: string; readonly listed: number; readonly size: number }[] = [];
  const count = { arrived: 0, bytes: 0, done: 0, there: 0 };
  const onBytes = (more: number): void => bar.update((count.arrived += more), total.bytes, `${count.done} of ${total.files} files`);
  const done = (file: File, { how, size }: Saved): void => {
    count.done += 1;
    count.bytes += size;
    if (how === 'there') count.there += 1;
    if (size !== file.size) changed.push({ name: file.name, listed: file.size, size });
  };
  const orLeftOut = async (file: File, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const known = error instanceof CliError || NOT_HERE.has((error as NodeJS.ErrnoException).code ?? '');
      if (!known) throw error;
      refused.push({ name: file.name, message: (error as Error).message });
    }
  };
  const saveOne = (file: File, signal: AbortSignal): Promise<void> =>
    orLeftOut(file, async () =>
      done(
        file,
        await saveFile({ ...cli, signal }, { folder, name: file.name, digest: file.digest, onBytes, verified }, (headers) => source.one(file, headers, signal)),
      ),
    );
  const { together } = source;
  async function* groups(): AsyncGenerator<readonly File[]> {
    for await (const page of wanted.pages) {
      if (cli.json) listed.push(...page);
      if (wanted.total === undefined) {
        total.files += page.length;
        total.bytes += page.reduce((sum, { size }) => sum + size, 0);
      }
      const isSmall = (file: File): boolean => together !== undefined && file.size <= BUNDLED_UP_TO_BYTES;
      for (const file of page) if (!isSmall(file)) yield [file];
      yield* inBundles(page.filter(isSmall));
    }
  }
  try {
    await forEachOf(groups(), wanted.concurrency ?? DEFAULT_CONCURRENCY, cli.signal, async (files, signal) => {
      const rest =
        together === undefined || files.length === 1 ? files : await saveTogether({ folder, files, signal, verified, onBytes, done, orLeftOut }, together);
      for (const file of rest) await saveOne(file, signal);
    });
  } finally {
    bar.end();
    await verified.flush();
    for (const { name, listed: before, size } of changed)
      cli.note(`changed meanwhile: ${printable(name)}: ${before} bytes when it was listed, ${size} when it was read, as it is here now`);
    for (const { name, message } of refused) cli.note(`left out: ${printable(name)}: ${printable(message)}`);
  }
  // Whoever asks once more after all has come wants to know that it is still there, and gets it read.
  if (refused.length === 0) await verified.forget();
  const saved = `${count.done} file${count.done === 1 ? '' : 's'} (${formatBytes(count.bytes)})`;
  await cli.show(
    { folder, files: listed, alreadyThere: count.there, changed, refused },
    () => `${saved} are in ${folder}.${count.there === 0 ? '' : ` ${count.there} of them were there already.`}`,
  );
  return refused.length === 0 ? 0 : 1;
}
