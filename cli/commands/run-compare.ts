import { compareRuns } from '@sodate/contract/metrics.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, rest, texts } from '../command.ts';
import { formatNumber } from '../output/metrics.ts';
import { runName } from '../output/run.ts';
import { table } from '../output/table.ts';

export const runCompare = defineCommand({
  path: 'run compare',
  summary: 'Metrics and parameters of runs side by side',
  tenant: true,
  args: { runs: rest('<runs...>', 'such as training-12 training-13') },
  options: {
    metric: texts('--metric <name>', 'only this metric'),
    all: flag('--all', 'also parameters that are the same in all of them'),
  },
  async run(input, cli) {
    if (input.runs.length === 0) throw usageError('<runs...> is needed.');
    const query = { run: [...input.runs], ...(input.metric.length > 0 ? { name: [...input.metric] } : {}) };
    const compared = await cli.client().call(compareRuns, { params: { tenant: await cli.tenant() }, query, signal: cli.signal });
    const parameters = compared.parameters.filter(({ differs }) => differs || input.all || compared.runs.length === 1);
    await cli.show(
      compared,
      () =>
        table(
          ['', ...compared.runs.map(runName)],
          [
            ['name', ...compared.runs.map(({ name }) => name)],
            ['state', ...compared.runs.map(({ state }) => state)],
            ...parameters.map(({ name, values }) => [`${name} (parameter)`, ...values]),
            ...compared.metrics.map(({ name, values }) => [name, ...values.map((value) => formatNumber(value?.last ?? null))]),
          ],
        ) + (compared.truncated ? '\n(there are more metrics; --metric chooses some)' : ''),
    );
  },
});
