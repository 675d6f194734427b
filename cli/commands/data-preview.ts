import { FILES_PER_DATA_LIMIT, listDataFiles, previewDataFile } from '@sodate/contract/data.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, needed } from '../command.ts';
import { listAll } from '../list-all.ts';
import { showPreview } from '../output/preview.ts';

export const dataPreview = defineCommand({
  path: 'data preview',
  summary: 'The beginning of a file of a data: text, a table, JSON, or what else it is',
  tenant: true,
  args: { data: needed('<data>', 'number or id'), name: needed('<file>', 'name of the file') },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), data: input.data };
    const { signal } = cli;
    const { items } = await listAll(FILES_PER_DATA_LIMIT, (query) => client.call(listDataFiles, { params, query, signal }));
    const file = items.find(({ name }) => name === input.name);
    if (file === undefined) throw new CliError(`Data ${input.data} has no file ${input.name}.`);
    const preview = await client.call(previewDataFile, { params: { ...params, file: file.id }, signal });
    await cli.show(preview, () => showPreview(preview));
  },
});
