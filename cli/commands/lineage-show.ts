import { getLineage } from '@sodate/contract/lineage.ts';
import { defineCommand, flag, wholeNumber } from '../command.ts';
import { readLineageKind, resolveLineageId, thingArguments } from '../lineage-reference.ts';
import { lineageTree } from '../output/lineage.ts';

export const lineageShow = defineCommand({
  path: 'lineage show',
  summary: 'What a thing came from, or what came from it, as a tree',
  details: 'Examples: sodate lineage show run training-12\n          sodate lineage show data 3 --descendants',
  tenant: true,
  args: thingArguments,
  options: { descendants: flag('--descendants', 'what came from it'), depth: wholeNumber('--depth <steps>', 'at most so many steps (default: 100)') },
  async run(input, cli) {
    const kind = readLineageKind(input.kind);
    const tenant = await cli.tenant();
    const id = await resolveLineageId(cli, tenant, kind, input.reference);
    const direction = input.descendants ? 'descendants' : 'ancestors';
    const lineage = await cli.client().call(getLineage, { params: { tenant, kind, id }, query: { direction, depth: input.depth }, signal: cli.signal });
    await cli.show(lineage, () => lineageTree(lineage, { kind, id }, direction));
  },
});
