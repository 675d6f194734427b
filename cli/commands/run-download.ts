import { getOutput, listOutputs } from '@sodate/contract/run-routes.ts';
import { CliError } from '../cli-error.ts';
import type { Cli } from '../cli.ts';
import { defineCommand, text, wholeNumber } from '../command.ts';
import { printable } from '../output/table.ts';
import { runArgument } from '../run-reference.ts';
import { saveFiles } from '../save-files.ts';

interface OutputFile {
  readonly path: string;
  readonly size: number;
}

export const runDownload = defineCommand({
  path: 'run download',
  summary: 'Fetch the output of a run, or a part of it, into a folder',
  tenant: true,
  args: { run: runArgument, path: text('[path]', 'file or folder inside the output; everything if left out') },
  options: {
    into: text('--into <folder>', 'where to (default: a folder named like the run)'),
    concurrency: wholeNumber('--concurrency <count>', 'files under way at once (default: 4)'),
  },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), run: input.run };
    const wanted = input.path?.replace(/\/+$/, '') ?? '';
    const files = await filesBelow(cli, params, wanted);
    if (files.length === 0) throw new CliError(`The output of ${input.run} holds no files${wanted === '' ? '' : ` at ${wanted}`}.`);
    const folder = input.into ?? input.run;
    const wantedFiles = files.map(({ path, size }) => ({ name: path, size }));
    return saveFiles(cli, { folder, files: wantedFiles, concurrency: input.concurrency }, (file, headers, signal) =>
      client.bytes(getOutput, { params, query: { path: file.name }, headers, signal }),
    );
  },
});

/** The file named, or every file below the folder named. */
async function filesBelow(cli: Cli, params: { tenant: string; run: string }, path: string): Promise<OutputFile[]> {
  const list = (folder: string) => cli.client().call(listOutputs, { params, query: { path: folder }, signal: cli.signal });
  const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const itself = path === '' ? undefined : (await list(parent)).items.find((one) => one.name === path.slice(path.lastIndexOf('/') + 1));
  if (path !== '' && itself === undefined) return [];
  if (itself?.kind === 'file') return [{ path, size: itself.size ?? 0 }];
  const files: OutputFile[] = [];
  const folders = [path];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const { items, truncated } = await list(folder);
    if (truncated) cli.note(`left out: the folder ${printable(folder || '/')} holds more than the server lists`);
    for (const item of items) {
      const inside = folder === '' ? item.name : `${folder}/${item.name}`;
      if (item.kind === 'folder') folders.push(inside);
      else if (item.kind === 'file') files.push({ path: inside, size: item.size ?? 0 });
      else cli.note(`left out, neither file nor folder: ${printable(inside)}`);
    }
  }
  return files;
}
