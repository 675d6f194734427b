import { listSeries, readCharts } from '@sodate/contract/metrics.ts';
import { defineCommand, text, wholeNumber } from '../command.ts';
import { CliError } from '../cli-error.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { formatChart, formatLosses, formatSeries } from '../output/metrics.ts';
import { runArgument } from '../run-reference.ts';

export const runMetrics = defineCommand({
  path: 'run metrics',
  summary: 'The metrics of a run, or the points of one of them',
  details: 'A long series is shown in stretches, each with its last, least and greatest value; --points says in how many at most.',
  tenant: true,
  args: { run: runArgument },
  options: {
    prefix: text('--prefix <text>', 'metrics whose names begin so'),
    name: text('--name <metric>', 'show the points of this one'),
    points: wholeNumber('--points <count>', 'at most so many lines with --name (default: 100)'),
    limit: limitOption,
  },
  async run(input, cli) {
    const [client, tenant] = [cli.client(), await cli.tenant()];
    if (input.name !== undefined) {
      const query = { run: input.run, name: input.name, maxPoints: input.points ?? 100 };
      const [chart] = (await client.call(readCharts, { params: { tenant }, query, signal: cli.signal })).items;
      if (chart === undefined) throw new CliError(`${input.run} has no metric ${input.name}. See: sodate run metrics ${input.run}`, 1);
      await cli.show(chart, () => formatChart(chart));
      return;
    }
    const params = { tenant, run: input.run };
    const held: { losses: Parameters<typeof formatLosses>[0] | null } = { losses: null };
    const found = await listAll(input.limit, async (page) => {
      const listed = await client.call(listSeries, { params, query: { ...page, prefix: input.prefix }, signal: cli.signal });
      held.losses = listed.losses;
      return listed;
    });
    const { losses } = held;
    await cli.show({ ...found, losses }, () => formatSeries(found.items) + moreLine(found) + (losses === null ? '' : formatLosses(losses)));
  },
});
