import { listNodes } from '@sodate/contract/nodes.ts';
import { defineCommand } from '../command.ts';
import { formatBytes } from '../output/bytes.ts';
import { table } from '../output/table.ts';

export const nodeList = defineCommand({
  path: 'node list',
  summary: 'The machines, what they have and what is in use',
  async run(_input, cli) {
    const found = await cli.client().call(listNodes, { signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['name', 'partition', 'state', 'cpu', 'memory', 'gpus', 'executors'],
        found.items.map(({ name, partition, enabled, problem, used, capacity, executors }) => [
          name,
          partition,
          problem ?? (enabled ? 'ready' : 'out of service'),
          `${used.cpu} of ${capacity.cpu}`,
          `${formatBytes(used.memory)} of ${formatBytes(capacity.memory)}`,
          `${used.gpus} of ${capacity.gpus}`,
          executors.map((executor) => `${executor.id} (${executor.isolation === 'none' ? 'no isolation' : executor.isolation})`).join(', '),
        ]),
      ),
    );
  },
});
