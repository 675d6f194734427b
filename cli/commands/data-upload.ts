import { filesOnDisk } from '@sodate/client/files-on-disk.ts';
import { nodeDigests } from '@sodate/client/node-digests.ts';
import { type RefusedFile, uploadFiles } from '@sodate/client/upload.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, flag, needed, rest, wholeNumber } from '../command.ts';
import { formatBytes } from '../output/bytes.ts';
import { progress } from '../output/progress.ts';
import { printable } from '../output/table.ts';

export const dataUpload = defineCommand({
  path: 'data upload',
  summary: 'Put files and folders into a data',
  details: `A folder's files are named relative to it: \`data upload 3 images\` makes "cat.png" out of images/cat.png.
Symbolic links inside folders are left out. After an interruption the same command goes on, from this machine or another:
files that are there with the same content are left out, and of a large file only the missing parts are sent. Files that
cannot be put in are listed at the end, and the others are in; the exit code is then 1.`,
  tenant: true,
  args: { data: needed('<data>', 'number or id'), paths: rest('<paths...>', 'files and folders') },
  options: {
    skipExisting: flag('--skip-existing', 'take files that are there with the same name and size for the same, without reading them'),
    concurrency: wholeNumber('--concurrency <count>', 'parts under way at once (default: 4)'),
  },
  async run(input, cli) {
    const found = await Promise.all(input.paths.map(filesOnDisk));
    for (const path of found.flatMap((one) => one.skipped)) cli.note(`left out, neither file nor folder: ${printable(path)}`);
    const files = found.flatMap((one) => one.files);
    if (files.length === 0) throw new CliError('There is no file in what you named.');
    const client = cli.client();
    const tenant = await cli.tenant();
    const bar = progress(cli.terminal, cli.json);
    const refused: RefusedFile[] = [];
    let filesDone = 0;
    let progressed = false;
    const listRefused = (): void => {
      bar.end();
      for (const { name, message } of refused) cli.note(`refused: ${printable(name)}: ${printable(message)}`);
    };
    try {
      const stored = await uploadFiles(client, {
        direct: true,
        tenant,
        data: input.data,
        files,
        signal: cli.signal,
        concurrency: input.concurrency,
        digests: nodeDigests,
        resume: input.skipExisting ? 'by-size' : 'by-content',
        onRefused: (file) => void refused.push(file),
        onProgress(now) {
          filesDone = now.filesDone;
          progressed = now.bytesSent > 0;
          bar.update(now.bytesSent, now.bytes, `${now.filesDone} of ${now.files} files`);
        },
      });
      listRefused();
      const bytes = stored.reduce((sum, file) => sum + file.size, 0);
      const there = filesDone - stored.length;
      await cli.show({ files: stored, alreadyThere: there, refused }, () =>
        [
          `${counted(stored.length)} (${formatBytes(bytes)}) ${stored.length === 1 ? 'is' : 'are'} in data ${input.data}.`,
          ...(there === 0 ? [] : [`${counted(there)} ${there === 1 ? 'was' : 'were'} there already.`]),
          ...(refused.length === 0 ? [] : [`${counted(refused.length)} ${refused.length === 1 ? 'was' : 'were'} refused.`]),
        ].join('\n'),
      );
      return refused.length === 0 ? 0 : 1;
    } catch (error) {
      listRefused();
      if (progressed) cli.note(`${filesDone} of ${counted(files.length)} are in. The same command goes on from here.`);
      throw error;
    }
  },
});

const counted = (count: number): string => `${count} file${count === 1 ? '' : 's'}`;
