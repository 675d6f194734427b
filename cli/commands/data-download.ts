import { type DataFile, getData, getDataFile, listDataFiles } from '@sodate/contract/data.ts';
import { readFilesOf } from '@sodate/client/read-files.ts';
import { CliError } from '../cli-error.ts';
import type { Cli } from '../cli.ts';
import { defineCommand, needed, text, wholeNumber } from '../command.ts';
import { saveFiles } from '../save-files.ts';
import { turnPages } from '../turn-pages.ts';

/** Files of one page; the API's limit. */
const PAGE = 1_000;

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
    const { fileCount, totalSize } = await client.call(getData, { params, signal });
    if (fileCount === 0) throw new CliError(`Data ${input.data} has no files.`);
    const one = input.name === undefined ? null : await findFile(cli, params, input.name);
    return saveFiles<DataFile>(
      cli,
      {
        folder: input.into ?? '.',
        concurrency: input.concurrency,
        ...(one === null
          ? { pages: listPages(cli, params), total: { files: fileCount, bytes: totalSize } }
          : { pages: [[one]], total: { files: 1, bytes: one.size } }),
      },
      {
        one: (file, headers, signal) => client.bytes(getDataFile, { params: { ...params, file: file.id }, headers, signal }),
        async *together(files, signal) {
          const byId = new Map(files.map((file) => [file.id, file]));
          for await (const { id, digest, bytes } of readFilesOf(client, { ...params, files: [...byId.keys()], signal })) {
            const file = byId.get(id);
            if (file !== undefined) yield { file, digest, bytes };
          }
        },
      },
    );
  },
});

interface Params {
  readonly tenant: string;
  readonly data: string;
}

const listPages = (cli: Cli, params: Params): AsyncGenerator<readonly DataFile[]> =>
  turnPages(cli.signal, (cursor) => cli.client().call(listDataFiles, { params, query: { limit: PAGE, ...cursor }, signal: cli.signal }));

async function findFile(cli: Cli, params: Params, name: string): Promise<DataFile> {
  for await (const page of listPages(cli, params)) {
    const found = page.find((file) => file.name === name);
    if (found !== undefined) return found;
  }
  throw new CliError(`Data ${params.data} has no file ${name}.`);
}
