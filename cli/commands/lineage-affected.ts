import { getAffected } from '@sodate/contract/lineage.ts';
import { defineCommand } from '../command.ts';
import { readLineageKind, thingArguments } from '../lineage-reference.ts';
import { affectedText } from '../output/affected.ts';

export const lineageAffected = defineCommand({
  path: 'lineage affected',
  summary: 'What deleting a thing would touch, and what keeps it from being deleted',
  details: 'Examples: sodate lineage affected data 3\n          sodate lineage affected run training-12',
  tenant: true,
  args: thingArguments,
  async run(input, cli) {
    const kind = readLineageKind(input.kind);
    const params = { tenant: await cli.tenant(), kind, id: input.reference };
    const affected = await cli.client().call(getAffected, { params, signal: cli.signal });
    await cli.show(affected, () => affectedText(affected));
  },
});
