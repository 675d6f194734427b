import { getHealth } from '@sodate/contract/health.ts';
import { defineCommand } from '../command.ts';
import { fields } from '../output/table.ts';
import manifest from '../package.json' with { type: 'json' };

export const version = defineCommand({
  path: 'version',
  summary: 'Versions of this program and of the server',
  async run(_input, cli) {
    const server = await serverVersion(() => cli.clientFor(cli.server).call(getHealth, { signal: cli.signal }));
    await cli.show({ client: manifest.version, server }, () =>
      fields([
        ['Client', manifest.version],
        ['Server', server ?? 'not reached'],
      ]),
    );
  },
});

async function serverVersion(ask: () => Promise<{ version: string }>): Promise<string | null> {
  try {
    return (await ask()).version;
  } catch {
    return null;
  }
}
