import { updateNode } from '@sodate/contract/nodes.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, needed, text } from '../command.ts';

export const nodeSet = defineCommand({
  path: 'node set',
  summary: 'Put a node into a partition, or in or out of service (system admins)',
  args: { node: needed('<node>', 'name or id') },
  options: {
    partition: text('--partition <name>', 'partition'),
    noPartition: flag('--clear-partition', 'take it out of its partition'),
    enable: flag('--enable', 'new runs may be placed here'),
    disable: flag('--disable', 'no new runs are placed here; those present go on'),
  },
  async run(input, cli) {
    if (input.enable && input.disable) throw usageError('--enable and --disable exclude each other.');
    const body = {
      partition: input.noPartition ? null : input.partition,
      enabled: input.enable || input.disable ? input.enable : undefined,
    };
    const node = await cli.client().call(updateNode, { params: { node: input.node }, body, signal: cli.signal });
    await cli.show(node, () => `${node.name}: ${node.enabled ? 'in service' : 'out of service'}, partition ${node.partition ?? '(none)'}.`);
  },
});
