import { updateRun } from '@sodate/contract/run-routes.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, text, texts } from '../command.ts';
import { formatRun } from '../output/run.ts';
import { runArgument } from '../run-reference.ts';

export const runEdit = defineCommand({
  path: 'run edit',
  summary: 'Change name, memo, tags or the favourite mark',
  tenant: true,
  args: { run: runArgument },
  options: {
    name: text('--name <name>', 'new name'),
    memo: text('--memo <text>', 'new memo'),
    tag: texts('--tag <tag>', 'the tags; they replace all present ones'),
    noTags: flag('--clear-tags', 'remove all tags'),
    favourite: flag('--favourite', 'mark as favourite'),
    notFavourite: flag('--clear-favourite', 'remove the mark'),
  },
  async run(input, cli) {
    if (input.favourite && input.notFavourite) throw usageError('--favourite and --clear-favourite exclude each other.');
    const body = {
      name: input.name,
      memo: input.memo,
      tags: input.noTags ? [] : input.tag.length > 0 ? [...input.tag] : undefined,
      favourite: input.favourite || input.notFavourite ? input.favourite : undefined,
    };
    const run = await cli.client().call(updateRun, { params: { tenant: await cli.tenant(), run: input.run }, body, signal: cli.signal });
    await cli.show(run, () => formatRun(run, cli.now()));
  },
});
