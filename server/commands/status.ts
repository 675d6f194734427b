import { findRunningServer } from '#commands/server-record.ts';
import type { Config } from '#config/config.ts';
import { describeEmbeddedPostgres } from '#postgres/postgres.ts';
import { existsSync } from 'node:fs';
import path from 'node:path';

/** Says what runs on this home. The exit code is 0 when the server serves, else 3. */
export async function status(config: Config, options: { readonly json: boolean }): Promise<void> {
  const server = await findRunningServer(config.home);
  const healthy =
    server === null
      ? false
      : await fetch(`${server.url}/v1/health`, { signal: AbortSignal.timeout(5_000) }).then(
          (answer) => answer.ok,
          () => false,
        );
  const folder = path.join(config.home, 'postgres');
  const database = config.databaseUrl !== null ? null : existsSync(folder) ? await describeEmbeddedPostgres(folder) : null;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ home: config.home, server, healthy, database: config.databaseUrl === null ? database : 'DATABASE_URL' })}\n`);
  } else {
    const lines = [
      `home      ${config.home}`,
      `server    ${server === null ? 'not running (start it with: ./sodate up)' : `process ${server.pid}, version ${server.version}, ${server.url}, ${healthy ? 'serving' : 'NOT ANSWERING'}`}`,
      `database  ${config.databaseUrl !== null ? 'DATABASE_URL' : `embedded${database === null ? ', not made yet' : `: ${JSON.stringify(database)}`}`}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  process.exitCode = healthy ? 0 : 3;
}
