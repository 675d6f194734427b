import { listGitEndpoints } from '@sodate/contract/git.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { type Input, text } from './command.ts';

export const endpointOption: Input<string | undefined> = text('--endpoint <name>', 'git endpoint; not needed where there is only one');

/** The endpoint named, or the only one there is. */
export async function onlyEndpoint(named: string | undefined, cli: Cli): Promise<string> {
  if (named !== undefined) return named;
  const { items } = await cli.client().call(listGitEndpoints, { signal: cli.signal });
  if (items.length === 1 && items[0] !== undefined) return items[0].name;
  throw new CliError(
    items.length === 0
      ? 'There is no git endpoint yet. A system admin makes one with `sodate git add NAME ADDRESS`.'
      : `There are several git endpoints: ${items.map((one) => one.name).join(', ')}. Choose with --endpoint NAME.`,
  );
}
