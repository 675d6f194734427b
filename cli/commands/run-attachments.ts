import { getAttachment, listAttachments } from '@sodate/contract/attachments.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, text } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { formatBytes } from '../output/bytes.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';
import { runArgument } from '../run-reference.ts';
import { saveFile } from '../save-file.ts';

export const runAttachments = defineCommand({
  path: 'run attachments',
  summary: 'The files beside a run, put there by people or by its job',
  tenant: true,
  args: { run: runArgument },
  options: { limit: limitOption, fetch: text('--fetch <name>', 'fetch this one'), into: text('--into <folder>', 'where to (default: the current folder)') },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), run: input.run };
    const { signal } = cli;
    const { fetch: wanted } = input;
    if (wanted === undefined && input.into !== undefined) throw new CliError('--into says where --fetch puts its file. Name one with --fetch.');
    if (wanted !== undefined) {
      const folder = input.into ?? '.';
      await saveFile(cli, { folder, name: wanted, onBytes: () => undefined }, () => client.bytes(getAttachment, { params, query: { name: wanted }, signal }));
      return cli.show({ folder, name: wanted }, () => `${wanted} is in ${folder}.`);
    }
    const found = await listAll(input.limit, (query) => client.call(listAttachments, { params, query, signal }));
    await cli.show(
      found,
      () =>
        table(
          ['name', 'size', 'by', 'when'],
          found.items.map((one) => [
            one.kind === 'folder' ? `${one.name}/` : one.name,
            one.size === null ? null : formatBytes(one.size),
            one.attachedBy?.name ?? 'the job',
            formatTime(one.attachedAt ?? one.modifiedAt),
          ]),
        ) + moreLine(found),
    );
  },
});
