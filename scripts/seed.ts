import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { seed } from '../bench/seeded-lists.ts';
import { connectionTo } from '../server/postgres/connect-postgres.ts';
import { describeEmbeddedPostgres } from '../server/postgres/postgres.ts';

const USAGE = `Usage: npm run seed -- [--data N] [--runs N] [--home FOLDER]

Fills a tenant of its own with data, data sets, runs and metrics, to see how pages and searches are when there is much.
The rows alone: there are no files behind them. The server of the home (default: $SODATE_HOME or ~/.sodate) must be running;
where DATABASE_URL is set, that database is filled. A million data and 100,000 runs take some three minutes and 4 GB.
`;

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '1000' },
    home: { type: 'string', default: process.env['SODATE_HOME'] ?? path.join(homedir(), '.sodate') },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) process.stdout.write(USAGE);
else
  try {
    const size = { data: count('--data', values.data), runs: count('--runs', values.runs) };
    const name = await fill(size);
    process.stdout.write(`${size.data} data and ${size.runs} runs are in the tenant ${name}. Every system admin may open it.\n`);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }

function count(option: string, text: string): number {
  if (!/^[1-9][0-9]{0,7}$/.test(text)) throw new Error(`${option} must be a whole number from 1 to 99999999, not ${text}.`);
  return Number(text);
}

/** @returns the tenant's name */
async function fill(size: { readonly data: number; readonly runs: number }): Promise<string> {
  const { tenant } = await seed(await addressOf(path.resolve(values.home)), size);
  return `t-${tenant}`;
}

async function addressOf(home: string): Promise<Parameters<typeof seed>[0]> {
  const connectionString = process.env['DATABASE_URL'];
  if (connectionString !== undefined && connectionString !== '') return { connectionString };
  const { state, dataFolder, socketFolder } = await describeEmbeddedPostgres(path.join(home, 'postgres'));
  if (state !== 'running' || socketFolder === undefined) throw new Error(`No server runs on ${home}. Start one: ./sodate up --detach`);
  return connectionTo(dataFolder, socketFolder);
}
