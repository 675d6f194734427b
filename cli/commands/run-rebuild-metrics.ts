import { rebuildMetrics } from '@sodate/contract/metrics.ts';
import { defineCommand } from '../command.ts';
import { runArgument } from '../run-reference.ts';

export const runRebuildMetrics = defineCommand({
  path: 'run rebuild-metrics',
  summary: 'Read the metrics of a run that has ended again, from the files in its output',
  details: 'For when series are damaged, or a newer version reads more of such files. What came by requests, and parameters, stay as they are.',
  tenant: true,
  args: { run: runArgument },
  options: {},
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), run: input.run };
    const answer = await cli.client().call(rebuildMetrics, { params, signal: cli.signal });
    const files = `${answer.files} ${answer.files === 1 ? 'file is' : 'files are'}`;
    await cli.show(answer, () =>
      answer.files === 0 ? `${input.run} has written no metrics into files.` : `${files} read again. See: sodate run metrics ${input.run}`,
    );
  },
});
