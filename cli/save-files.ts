import { forEachOf } from '@sodate/client/for-each-of.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { formatBytes } from './output/bytes.ts';
import { progress } from './output/progress.ts';
import { printable } from './output/table.ts';
import { type RequestFrom, saveFile } from './save-file.ts';

export interface WantedFile {
  readonly name: string;
  readonly size: number;
  readonly digest?: string | undefined;
}

const DEFAULT_CONCURRENCY = 4;
/** Gone from the server meanwhile, or not to be had on this machine's file system: that file is left out, and the others come. */
const NOT_HERE = new Set(['not-found', 'ENAMETOOLONG', 'EISDIR', 'ENOTDIR', 'EEXIST', 'EINVAL', 'EILSEQ', 'ELOOP', 'ENOTEMPTY']);

/**
 * Fetches files into a folder, several at a time. What was cut off goes on with the next call, and files that are there with
 * the same content are not fetched. Says at the end what could not be saved, and why.
 * @returns the exit code: 1 when a file was left out
 */
export async function saveFiles<File extends WantedFile>(
  cli: Cli,
  wanted: { readonly folder: string; readonly files: readonly File[]; readonly concurrency?: number | undefined },
  request: (file: File, headers: Readonly<Record<string, string>>, signal: AbortSignal) => ReturnType<RequestFrom>,
): Promise<0 | 1> {
  const { folder, files } = wanted;
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const bar = progress(cli.terminal, cli.json);
  const refused: { readonly name: string; readonly message: string }[] = [];
  const count = { arrived: 0, done: 0, there: 0 };
  try {
    await forEachOf(files, wanted.concurrency ?? DEFAULT_CONCURRENCY, cli.signal, async (file, signal) => {
      const onBytes = (more: number): void => bar.update((count.arrived += more), bytes, `${count.done} of ${files.length} files`);
      try {
        const how = await saveFile({ ...cli, signal }, { folder, name: file.name, digest: file.digest, onBytes }, (headers) => request(file, headers, signal));
        count.done += 1;
        if (how === 'there') count.there += 1;
      } catch (error) {
        const known = error instanceof CliError || NOT_HERE.has((error as NodeJS.ErrnoException).code ?? '');
        if (!known) throw error;
        refused.push({ name: file.name, message: (error as Error).message });
      }
    });
  } finally {
    bar.end();
    for (const { name, message } of refused) cli.note(`left out: ${printable(name)}: ${printable(message)}`);
  }
  const saved = `${count.done} file${count.done === 1 ? '' : 's'}`;
  const size = refused.length === 0 ? ` (${formatBytes(bytes)})` : '';
  await cli.show(
    { folder, files, alreadyThere: count.there, refused },
    () => `${saved}${size} are in ${folder}.${count.there === 0 ? '' : ` ${count.there} of them were there already.`}`,
  );
  return refused.length === 0 ? 0 : 1;
}
