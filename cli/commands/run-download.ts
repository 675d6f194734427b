import { readOutputsOf } from '@sodate/client/read-files.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { archiveOutputs, getOutput, previewOutput, searchOutputs } from '@sodate/contract/run-routes.ts';
import { CliError } from '../cli-error.ts';
import type { Cli } from '../cli.ts';
import { defineCommand, flag, text, wholeNumber } from '../command.ts';
import { printable } from '../output/table.ts';
import { runArgument } from '../run-reference.ts';
import { saveArchive } from '../save-archive.ts';
import { saveFiles } from '../save-files.ts';
import type { WantedFile } from '../save-together.ts';
import { turnPages } from '../turn-pages.ts';

/** Entries of one page; the API's limit. */
const PAGE = 1_000;

export const runDownload = defineCommand({
  path: 'run download',
  summary: 'Fetch the output of a run, or a part of it, into a folder',
  details: `After an interruption the same command goes on, once the server has read the files of the ended run for their digests: what is there
with the same content is not fetched again. Of a run that goes on each file is fetched as it is when its turn comes; what has changed since
it was listed, or is gone, is said.`,
  tenant: true,
  args: { run: runArgument, path: text('[path]', 'file or folder inside the output; everything if left out') },
  options: {
    into: text('--into <folder>', 'where to (default: a folder named like the run)'),
    concurrency: wholeNumber('--concurrency <count>', 'files under way at once (default: 4)'),
    zip: flag('--zip', 'as one zip, which the server makes while it is read; --into then names the file'),
  },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), run: input.run };
    const wanted = input.path?.replace(/\/+$/, '') ?? '';
    if (input.zip) {
      const place = input.into ?? `${input.run}.zip`;
      return saveArchive(cli, place, () => client.bytes(archiveOutputs, { params, query: { path: wanted }, signal: cli.signal }));
    }
    const pages = filesBelow(cli, params, wanted);
    const first = await pages.next();
    if (first.done === true) throw new CliError(`The output of ${input.run} holds no files${wanted === '' ? '' : ` at ${wanted}`}.`);
    async function* all(): AsyncGenerator<readonly WantedFile[]> {
      yield first.value as readonly WantedFile[];
      yield* pages;
    }
    return saveFiles<WantedFile>(
      cli,
      { folder: input.into ?? input.run, pages: all(), concurrency: input.concurrency },
      {
        one: (file, headers, signal) => client.bytes(getOutput, { params, query: { path: file.name }, headers, signal }),
        async *together(files, signal) {
          const byPath = new Map(files.map((file) => [file.name, file]));
          for await (const { path, digest, bytes } of readOutputsOf(client, { ...params, paths: [...byPath.keys()], signal })) {
            const file = byPath.get(path);
            if (file !== undefined) yield { file, digest, bytes };
          }
        },
      },
    );
  },
});

/** The file named, or every file below the folder named, by pages of which none is empty. */
async function* filesBelow(cli: Cli, params: { tenant: string; run: string }, path: string): AsyncGenerator<readonly WantedFile[]> {
  const client = cli.client();
  const { signal } = cli;
  const pages = turnPages(signal, (cursor) => client.call(searchOutputs, { params, query: { path, limit: PAGE, ...cursor }, signal }));
  const first = await pages.next().catch(isMissing);
  if (first === false) {
    const file = await client.call(previewOutput, { params, query: { path }, signal }).catch(isMissing);
    if (file !== false) yield [{ name: path, size: file.size }];
    return;
  }
  for (let page = first; page.done !== true; page = await pages.next()) {
    for (const { kind, name } of page.value) if (kind === 'other') cli.note(`left out, neither file nor folder: ${printable(name)}`);
    const files = page.value.filter(({ kind }) => kind === 'file').map(({ name, size, digest }) => ({ name, size: size ?? 0, digest: digest ?? undefined }));
    if (files.length > 0) yield files;
  }
}

/** @throws what is another error, also that there is no such run */
function isMissing(error: unknown): false {
  if (isSodateError(error) && error.code === 'not-found' && ['folder', 'output file'].includes(String(error.params['thing']))) return false;
  throw error;
}
