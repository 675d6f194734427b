import { followChanges } from '@sodate/client/live.ts';
import { defineCommand } from '../command.ts';

export const eventsFollow = defineCommand({
  path: 'events follow',
  summary: 'What changes in the tenant, as it happens',
  details: 'Ends with Ctrl-C. `reload` comes with each connection: changes before it may have been missed.',
  tenant: true,
  async run(_input, cli) {
    try {
      for await (const change of followChanges(cli.client(), await cli.tenant(), cli.signal)) {
        if (change.kind === 'reload') await cli.show({ reload: true }, () => 'reload');
        else await cli.show(change.event, () => `${change.event.change} ${change.event.topic} ${change.event.id}`);
      }
    } catch (error) {
      if (!cli.signal.aborted) throw error;
    }
    return 0;
  },
});
