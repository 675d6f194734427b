import { openContent } from '@sodate/contract/content.ts';
import { defineCommand, flag, text } from '../command.ts';
import { runArgument } from '../run-reference.ts';

export const runOpen = defineCommand({
  path: 'run open',
  summary: 'An address at which a browser shows what a run wrote: a page, a notebook, a folder',
  details: 'The address works once, in the browser that comes first, and for some minutes. Sign out, and what was opened is closed.',
  tenant: true,
  args: { run: runArgument, path: text('[path]', 'file or folder inside the output; all of it if left out') },
  options: { attached: flag('--attached', 'among the files beside the run instead') },
  async run(input, cli) {
    const path = input.path?.replace(/\/+$/, '') ?? '';
    const kind = input.attached ? 'attachments' : 'output';
    const opening = await cli.client().call(openContent, { params: { tenant: await cli.tenant() }, body: { kind, run: input.run, path }, signal: cli.signal });
    await cli.show(opening, () => opening.url);
  },
});
