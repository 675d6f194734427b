import { deleteDataFile, listDataFiles } from '@sodate/contract/data.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, needed } from '../command.ts';
import { listAll } from '../list-all.ts';

export const dataRemoveFile = defineCommand({
  path: 'data remove-file',
  summary: 'Remove one file from a data',
  tenant: true,
  args: { data: needed('<data>', 'number or id'), file: needed('<file>', 'name of the file') },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), data: input.data };
    const { signal } = cli;
    const { items } = await listAll(Number.MAX_SAFE_INTEGER, (query) => client.call(listDataFiles, { params, query, signal }));
    const file = items.find((one) => one.name === input.file);
    if (file === undefined) throw new CliError(`Data ${input.data} has no file ${input.file}. \`sodate data files ${input.data}\` lists them.`);
    await client.call(deleteDataFile, { params: { ...params, file: file.id }, signal });
    await cli.show({ removed: file.name }, () => `${file.name} is removed from data ${input.data}.`);
  },
});
