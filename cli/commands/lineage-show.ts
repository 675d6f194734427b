import { getData } from '@sodate/contract/data.ts';
import { getDataset } from '@sodate/contract/datasets.ts';
import { getLineage, LineageKind } from '@sodate/contract/lineage.ts';
import { getRun } from '@sodate/contract/run-routes.ts';
import { usageError } from '../cli-error.ts';
import type { Cli } from '../cli.ts';
import { defineCommand, flag, needed, wholeNumber } from '../command.ts';
import { lineageTree } from '../output/lineage.ts';

export const lineageShow = defineCommand({
  path: 'lineage show',
  summary: 'What a thing came from, or what came from it, as a tree',
  details: 'Examples: sodate lineage show run training-12\n          sodate lineage show data 3 --descendants',
  tenant: true,
  args: { kind: needed('<kind>', LineageKind.options.join(', ')), reference: needed('<reference>', 'number or id; for a run such as training-12') },
  options: { descendants: flag('--descendants', 'what came from it'), depth: wholeNumber('--depth <steps>', 'at most so many steps (default: 100)') },
  async run(input, cli) {
    const kind = LineageKind.safeParse(input.kind);
    if (!kind.success) throw usageError(`"${input.kind}" is none of ${LineageKind.options.join(', ')}.`);
    const tenant = await cli.tenant();
    const id = await resolveId(cli, tenant, kind.data, input.reference);
    const direction = input.descendants ? 'descendants' : 'ancestors';
    const lineage = await cli
      .client()
      .call(getLineage, { params: { tenant, kind: kind.data, id }, query: { direction, depth: input.depth }, signal: cli.signal });
    await cli.show(lineage, () => lineageTree(lineage, { kind: kind.data, id }, direction));
  },
});

/** The graph knows ids only; people know numbers. */
async function resolveId(cli: Cli, tenant: string, kind: LineageKind, reference: string): Promise<string> {
  const client = cli.client();
  const { signal } = cli;
  if (kind === 'run') return (await client.call(getRun, { params: { tenant, run: reference }, signal })).id;
  if (kind === 'data') return (await client.call(getData, { params: { tenant, data: reference }, signal })).id;
  if (kind === 'dataset') return (await client.call(getDataset, { params: { tenant, dataset: reference }, signal })).id;
  return reference;
}
