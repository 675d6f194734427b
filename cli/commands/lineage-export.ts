import { exportOpenLineage } from '@sodate/contract/lineage.ts';
import { readBody } from '@sodate/client/read-body.ts';
import { open } from 'node:fs/promises';
import { defineCommand, text, value } from '../command.ts';

const readInstant = (given: string): string | null => (Number.isNaN(Date.parse(given)) ? null : new Date(given).toISOString());

export const lineageExport = defineCommand({
  path: 'lineage export',
  summary: 'Starts and ends of runs as OpenLineage events, one JSON a line',
  details: 'Examples: sodate lineage export --since 2026-01-01 > events.jsonl\n          sodate lineage export --run training-12',
  tenant: true,
  options: {
    since: value(
      '--since <instant>',
      'what happened then or later, such as 2026-01-31 or 2026-01-31T12:00Z',
      'an instant such as 2026-01-31T12:00Z',
      readInstant,
    ),
    run: text('--run <run>', 'one run only, such as training-12'),
    output: text('--output <file>', 'write to this file, which must not exist yet'),
  },
  async run(input, cli) {
    const params = { tenant: await cli.tenant() };
    const response = await cli.client().bytes(exportOpenLineage, { params, query: { since: input.since, run: input.run }, signal: cli.signal });
    const file = input.output === undefined ? null : await open(input.output, 'wx');
    try {
      for await (const piece of readBody(response, cli.server, cli.signal)) await (file === null ? cli.terminal.out(piece) : file.writeFile(piece));
    } finally {
      await file?.close();
    }
  },
});
