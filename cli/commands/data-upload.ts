import { FILES_PER_DATA_LIMIT, listDataFiles } from '@sodate/contract/data.ts';
import { filesOnDisk } from '@sodate/client/files-on-disk.ts';
import { uploadFiles } from '@sodate/client/upload.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, flag, needed, rest, wholeNumber } from '../command.ts';
import { listAll } from '../list-all.ts';
import { formatBytes } from '../output/bytes.ts';
import { progress } from '../output/progress.ts';
import { printable } from '../output/table.ts';

export const dataUpload = defineCommand({
  path: 'data upload',
  summary: 'Put files and folders into a data',
  details: `A folder's files are named relative to it: \`data upload 3 images\` makes "cat.png" out of images/cat.png.
Symbolic links inside folders are left out. After an interruption go on with --skip-existing.`,
  tenant: true,
  args: { data: needed('<data>', 'number or id'), paths: rest('<paths...>', 'files and folders') },
  options: {
    skipExisting: flag('--skip-existing', 'leave out files that are there with the same name and size'),
    concurrency: wholeNumber('--concurrency <count>', 'parts under way at once (default: 4)'),
  },
  async run(input, cli) {
    const found = await Promise.all(input.paths.map(filesOnDisk));
    for (const path of found.flatMap((one) => one.skipped)) cli.note(`left out, neither file nor folder: ${printable(path)}`);
    const client = cli.client();
    const tenant = await cli.tenant();
    const { signal } = cli;
    let files = found.flatMap((one) => one.files);
    if (input.skipExisting) {
      const params = { tenant, data: input.data };
      const { items } = await listAll(FILES_PER_DATA_LIMIT, (query) => client.call(listDataFiles, { params, query, signal }));
      const there = new Map(items.map((file) => [file.name, file.size]));
      files = files.filter((file) => there.get(file.name) !== file.size);
    }
    if (files.length === 0 && !input.skipExisting) throw new CliError('There is no file in what you named.');
    const bar = progress(cli.terminal, cli.json);
    let filesDone = 0;
    try {
      const stored = await uploadFiles(client, {
        direct: true,
        tenant,
        data: input.data,
        files,
        signal,
        concurrency: input.concurrency,
        onProgress(now) {
          filesDone = now.filesDone;
          bar.update(now.bytesSent, now.bytes, `${now.filesDone} of ${now.files} files`);
        },
      });
      bar.end();
      const bytes = stored.reduce((sum, file) => sum + file.size, 0);
      await cli.show({ files: stored }, () => `${stored.length} file${stored.length === 1 ? '' : 's'} (${formatBytes(bytes)}) are in data ${input.data}.`);
    } catch (error) {
      bar.end();
      if (filesDone > 0) cli.note(`${filesDone} of ${files.length} files are in. Go on with: sodate data upload --skip-existing ${input.data} …`);
      throw error;
    }
  },
});
