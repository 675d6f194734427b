import { FILES_PER_DATA_LIMIT, getDataFile, listDataFiles } from '@sodate/contract/data.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, needed, text } from '../command.ts';
import { listAll } from '../list-all.ts';
import { formatBytes } from '../output/bytes.ts';
import { progress } from '../output/progress.ts';
import { saveFile } from '../save-file.ts';

export const dataDownload = defineCommand({
  path: 'data download',
  summary: 'Fetch the files of a data into a folder',
  tenant: true,
  args: { data: needed('<data>', 'number or id'), name: text('[file]', 'name of one file; all if left out') },
  options: { into: text('--into <folder>', 'where to (default: the current folder)') },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), data: input.data };
    const { signal } = cli;
    const { items } = await listAll(FILES_PER_DATA_LIMIT, (query) => client.call(listDataFiles, { params, query, signal }));
    const files = input.name === undefined ? items : items.filter((file) => file.name === input.name);
    if (files.length === 0) throw new CliError(input.name === undefined ? `Data ${input.data} has no files.` : `Data ${input.data} has no file ${input.name}.`);
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const bar = progress(cli.terminal, cli.json);
    let arrived = 0;
    try {
      for (const [at, file] of files.entries()) {
        const download = {
          folder: input.into ?? '.',
          name: file.name,
          digest: file.digest,
          onBytes: (count: number) => bar.update((arrived += count), bytes, `${at} of ${files.length} files`),
        };
        await saveFile(cli, download, () => client.bytes(getDataFile, { params: { ...params, file: file.id }, signal }));
      }
    } finally {
      bar.end();
    }
    await cli.show({ files }, () => `${files.length} file${files.length === 1 ? '' : 's'} (${formatBytes(bytes)}) are in ${input.into ?? '.'}.`);
  },
});
