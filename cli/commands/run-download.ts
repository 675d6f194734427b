import { isSodateError } from '@sodate/contract/errors.ts';
import { archiveOutputs, getOutput, listOutputs, previewOutput } from '@sodate/contract/run-routes.ts';
import { CliError } from '../cli-error.ts';
import type { Cli } from '../cli.ts';
import { defineCommand, flag, text, wholeNumber } from '../command.ts';
import { printable } from '../output/table.ts';
import { runArgument } from '../run-reference.ts';
import { saveArchive } from '../save-archive.ts';
import { saveFiles } from '../save-files.ts';

/** Entries of one page; the API's limit. */
const PAGE = 1_000;

interface OutputFile {
  readonly path: string;
  readonly size: number;
  readonly digest: string | null;
}

export const runDownload = defineCommand({
  path: 'run download',
  summary: 'Fetch the output of a run, or a part of it, into a folder',
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
    const files = await filesBelow(cli, params, wanted);
    if (files.length === 0) throw new CliError(`The output of ${input.run} holds no files${wanted === '' ? '' : ` at ${wanted}`}.`);
    const folder = input.into ?? input.run;
    const wantedFiles = files.map(({ path, size, digest }) => ({ name: path, size, digest: digest ?? undefined }));
    const total = { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
    return saveFiles(
      cli,
      { folder, pages: [wantedFiles], total, concurrency: input.concurrency },
      { one: (file, headers, signal) => client.bytes(getOutput, { params, query: { path: file.name }, headers, signal }) },
    );
  },
});

/** The file named, or every file below the folder named. */
async function filesBelow(cli: Cli, params: { tenant: string; run: string }, path: string): Promise<OutputFile[]> {
  const client = cli.client();
  const { signal } = cli;
  const list = (query: { path: string; limit: number; cursor?: string }) => client.call(listOutputs, { params, query, signal });
  const isFolder = await list({ path, limit: 1 }).then(() => true, isMissing);
  if (!isFolder) {
    const file = await client.call(previewOutput, { params, query: { path }, signal }).catch((error: unknown) => void isMissing(error));
    return file === undefined ? [] : [{ path, size: file.size, digest: null }];
  }
  const files: OutputFile[] = [];
  const folders = [path];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query: { path: string; limit: number; cursor?: string } = { path: folder, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page: Awaited<ReturnType<typeof list>> = await list(query);
      cursor = page.nextCursor;
      for (const item of page.items) {
        const inside = folder === '' ? item.name : `${folder}/${item.name}`;
        if (item.kind === 'folder') folders.push(inside);
        else if (item.kind === 'file') files.push({ path: inside, size: item.size ?? 0, digest: item.digest });
        else cli.note(`left out, neither file nor folder: ${printable(inside)}`);
      }
    }
  }
  return files;
}

/** @throws what is another error */
function isMissing(error: unknown): false {
  if (isSodateError(error) && error.code === 'not-found') return false;
  throw error;
}
