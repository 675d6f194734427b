import { getLineagePaths } from '@sodate/contract/lineage.ts';
import { defineCommand, needed } from '../command.ts';
import { readLineageKind, thingArguments } from '../lineage-reference.ts';
import { printable } from '../output/table.ts';

export const lineagePaths = defineCommand({
  path: 'lineage paths',
  summary: 'How one thing came from another: the shortest way, and how many steps there are in all',
  details: 'Example: sodate lineage paths data 3 run training-12',
  tenant: true,
  args: { ...thingArguments, toKind: needed('<to-kind>', 'what came from it: its kind'), toReference: needed('<to-reference>', 'and its number or id') },
  async run(input, cli) {
    const [kind, toKind] = [readLineageKind(input.kind), readLineageKind(input.toKind)];
    const params = { tenant: await cli.tenant(), kind, id: input.reference };
    const paths = await cli.client().call(getLineagePaths, { params, query: { toKind, toId: input.toReference }, signal: cli.signal });
    const labels = new Map(paths.nodes.map((node) => [`${node.kind} ${node.id}`, node.label]));
    await cli.show(paths, () => {
      if (paths.shortest.length === 0)
        return paths.truncated ? 'No way was found, but not all of the graph was looked at.' : 'The one did not come from the other.';
      const way = paths.shortest.map(({ kind: one, id }, at) => `${at === 0 ? '' : '→ '}${one} ${printable(labels.get(`${one} ${id}`) ?? id)}`);
      return `${way.join('\n')}\n(${paths.edges.length} steps on all ways${paths.truncated ? ' that were looked at' : ''})`;
    });
  },
});
