import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { SETTINGS } from '../server/config/config.ts';
import { migrate } from '../server/kit/db/migrate.ts';
import { openDatabase } from '../server/kit/db/open-database.ts';
import { silentLog } from '../server/kit/log.ts';
import { startThrowawayPostgres } from '../server/postgres/throwaway-postgres.ts';
import { drawRunStates } from '../server/runs/run-states.ts';
import { dumpSchema } from './dump-schema.ts';

/**
 * Writes the files that are made from others: the database's types and schema from the migrations, the settings and the
 * states from their tables. With `--check` it writes nothing and fails where one is not as it would be.
 */
const root = path.join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { check: { type: 'boolean' } } });

const runStates = `# States of a run

Generated from \`server/runs/run-states.ts\` by \`npm run generate\`.

\`\`\`mermaid
${drawRunStates()}
\`\`\`

A retry is a new attempt of the same run. What an attempt is doing now (staging, collecting, …) is its phase, for people; nothing decides by it.
`;

const settings = `# Settings

Generated from \`server/config/config.ts\` by \`npm run generate\`. Each setting is an environment variable of the server.

| variable | meaning |
|---|---|
${Object.entries(SETTINGS)
  .map(([name, schema]) => `| \`${name}\` | ${z.globalRegistry.get(schema)?.description ?? ''} |`)
  .join('\n')}

The CLI reads \`SODATE_SERVER\`, \`SODATE_TOKEN\` and \`SODATE_TENANT\`; see \`sodate --help\`.
`;

async function databaseFiles(): Promise<Record<string, string>> {
  const postgres = await startThrowawayPostgres();
  const folder = mkdtempSync(path.join(tmpdir(), 'sodate-generate-'));
  try {
    const { pool, close } = openDatabase(postgres.connection, silentLog, 2);
    await migrate(pool, path.join(root, 'server/migrations'), new Date(0), silentLog);
    const schema = await dumpSchema(pool);
    await close();
    const { host, user, password, database } = postgres.connection;
    const out = path.join(folder, 'tables.ts');
    execFileSync(process.execPath, [
      path.join(root, 'node_modules/kysely-codegen/dist/cli/bin.js'),
      '--dialect',
      'postgres',
      '--out-file',
      out,
      '--log-level',
      'error',
      '--numeric-parser',
      'number',
      '--type-mapping',
      '{"int8":"number","bigint":"number"}',
      '--url',
      `postgres://${user}:${password}@localhost/${database}?host=${encodeURIComponent(host)}`,
    ]);
    return { 'server/migrations/schema.sql': schema, 'server/kit/db/tables.ts': readFileSync(out, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
    await postgres.stop();
  }
}

const files: Record<string, string> = { 'docs/run-states.md': runStates, 'docs/config.md': settings, ...(await databaseFiles()) };
const stale: string[] = [];
for (const [name, content] of Object.entries(files)) {
  const file = path.join(root, name);
  let before = '';
  try {
    before = readFileSync(file, 'utf8');
  } catch {
    // Not made yet.
  }
  if (before === content) continue;
  stale.push(name);
  if (!values.check) writeFileSync(file, content);
}
if (values.check && stale.length > 0) {
  process.stderr.write(`Not up to date: ${stale.join(', ')}. Run: npm run generate\n`);
  process.exit(1);
}
process.stdout.write(stale.length === 0 ? 'Everything generated is up to date.\n' : `Written: ${stale.join(', ')}\n`);
