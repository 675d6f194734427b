import { readBody } from '@sodate/client/read-body.ts';
import { getLog } from '@sodate/contract/run-routes.ts';
import { defineCommand, flag, wholeNumber } from '../command.ts';
import { detachable, printLog } from '../follow-run.ts';
import { runArgument } from '../run-reference.ts';

export const runLog = defineCommand({
  path: 'run log',
  summary: 'The log of a run, as written',
  details: 'With --json the bytes are base64; with --follow each line is an object with attempt, offset (where the log continues) and bytes.',
  tenant: true,
  args: { run: runArgument },
  options: {
    follow: flag('-f, --follow', 'stay until the run has ended'),
    attempt: wholeNumber('--attempt <number>', 'of this attempt (default: the latest)'),
    offset: wholeNumber('--offset <bytes>', 'from here; negative counts from the end'),
  },
  async run(input, cli) {
    const where = { tenant: await cli.tenant(), run: input.run };
    if (input.follow) return detachable(cli, input.run, () => printLog(cli, { ...where, attempt: input.attempt, offset: input.offset }));
    const query = { attempt: input.attempt, offset: input.offset };
    const response = await cli.client().bytes(getLog, { params: where, query, signal: cli.signal });
    const body = readBody(response, cli.server, cli.signal);
    if (!cli.json) {
      for await (const chunk of body) await cli.terminal.out(chunk);
      return 0;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    await cli.show({ bytes: Buffer.concat(chunks).toString('base64') }, () => '');
    return 0;
  },
});
