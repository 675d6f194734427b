import { getData } from '@sodate/contract/data.ts';
import { getDataset } from '@sodate/contract/datasets.ts';
import { LineageKind } from '@sodate/contract/lineage.ts';
import { getRun } from '@sodate/contract/run-routes.ts';
import { usageError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { needed } from './command.ts';

export const thingArguments = {
  kind: needed('<kind>', LineageKind.options.join(', ')),
  reference: needed('<reference>', 'number or id; for a run such as training-12'),
};

export function readLineageKind(given: string): LineageKind {
  const kind = LineageKind.safeParse(given);
  if (!kind.success) throw usageError(`"${given}" is none of ${LineageKind.options.join(', ')}.`);
  return kind.data;
}

/** The graph knows ids only; people know numbers. */
export async function resolveLineageId(cli: Cli, tenant: string, kind: LineageKind, reference: string): Promise<string> {
  const client = cli.client();
  const { signal } = cli;
  if (kind === 'run') return (await client.call(getRun, { params: { tenant, run: reference }, signal })).id;
  if (kind === 'data') return (await client.call(getData, { params: { tenant, data: reference }, signal })).id;
  if (kind === 'dataset') return (await client.call(getDataset, { params: { tenant, dataset: reference }, signal })).id;
  return reference;
}
