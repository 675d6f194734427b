import { previewAttachment } from '@sodate/contract/attachments.ts';
import { previewOutput } from '@sodate/contract/run-routes.ts';
import { defineCommand, flag, needed } from '../command.ts';
import { showPreview } from '../output/preview.ts';
import { runArgument } from '../run-reference.ts';

export const runPreview = defineCommand({
  path: 'run preview',
  summary: 'The beginning of an output file: text, a table, JSON, or what else it is',
  tenant: true,
  args: { run: runArgument, path: needed('<path>', 'file inside the output') },
  options: { attached: flag('--attached', 'of an attachment of that name instead') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), run: input.run };
    const { signal } = cli;
    const preview = input.attached
      ? await cli.client().call(previewAttachment, { params, query: { name: input.path }, signal })
      : await cli.client().call(previewOutput, { params, query: { path: input.path }, signal });
    await cli.show(preview, () => showPreview(preview));
  },
});
