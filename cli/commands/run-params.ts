import { listParameters, setParameters } from '@sodate/contract/metrics.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, texts } from '../command.ts';
import { fields } from '../output/table.ts';
import { runArgument } from '../run-reference.ts';

export const runParams = defineCommand({
  path: 'run params',
  summary: 'The parameters of a run; --set adds some',
  tenant: true,
  args: { run: runArgument },
  options: { set: texts('--set <name=value>', 'set a parameter, which then stays as it is') },
  async run(input, cli) {
    const parameters = input.set.map((given) => {
      const at = given.indexOf('=');
      if (at < 1) throw usageError(`--set: "${given}" is not name=value.`);
      return { name: given.slice(0, at), value: given.slice(at + 1) };
    });
    const params = { tenant: await cli.tenant(), run: input.run };
    const { items } =
      parameters.length === 0
        ? await cli.client().call(listParameters, { params, signal: cli.signal })
        : await cli.client().call(setParameters, { params, body: { parameters }, signal: cli.signal });
    await cli.show({ items }, () => (items.length === 0 ? '(none)' : fields(items.map(({ name, value }) => [name, value]))));
  },
});
