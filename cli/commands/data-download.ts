import { FILES_PER_DATA_LIMIT, getDataFile, listDataFiles } from '@sodate/contract/data.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, needed, text, wholeNumber } from '../command.ts';
import { listAll } from '../list-all.ts';
import { saveFiles } from '../save-files.ts';

export const dataDownload = defineCommand({
  path: 'data download',
  summary: 'Fetch the files of a data into a folder',
  details: `After an interruption the same command goes on: files that are there with the same content are not fetched again, and of a
file that was cut off (its beginning is in a .part file beside it) only the rest is.`,
  tenant: true,
  args: { data: needed('<data>', 'number or id'), name: text('[file]', 'name of one file; all if left out') },
  options: {
    into: text('--into <folder>', 'where to (default: the current folder)'),
    concurrency: wholeNumber('--concurrency <count>', 'files under way at once (default: 4)'),
  },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), data: input.data };
    const { signal } = cli;
    const { items } = await listAll(FILES_PER_DATA_LIMIT, (query) => client.call(listDataFiles, { params, query, signal }));
    const files = input.name === undefined ? items : items.filter((file) => file.name === input.name);
    if (files.length === 0) throw new CliError(input.name === undefined ? `Data ${input.data} has no files.` : `Data ${input.data} has no file ${input.name}.`);
    return saveFiles(cli, { folder: input.into ?? '.', files, concurrency: input.concurrency }, (file, headers, signal) =>
      client.bytes(getDataFile, { params: { ...params, file: file.id }, headers, signal }),
    );
  },
});
