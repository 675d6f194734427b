import { deleteSavedSearch, SEARCHED_THINGS } from '@sodate/contract/search.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, needed } from '../command.ts';
import { findSaved } from '../search-options.ts';

export const searchRemove = defineCommand({
  path: 'search remove',
  summary: 'Remove a saved search',
  tenant: true,
  args: { thing: needed('<thing>', `what it searches: ${SEARCHED_THINGS.join(', ')}`), name: needed('<name>', 'its name') },
  async run(input, cli) {
    const thing = SEARCHED_THINGS.find((one) => one === input.thing);
    if (thing === undefined) throw usageError(`"${input.thing}" is none of ${SEARCHED_THINGS.join(', ')}.`);
    const tenant = await cli.tenant();
    const { id } = await findSaved(cli, tenant, thing, input.name);
    await cli.client().call(deleteSavedSearch, { params: { tenant, search: id }, signal: cli.signal });
    await cli.show({ removed: id }, () => `Saved search ${input.name} is removed.`);
  },
});
