import { CommandError } from '#commands/command-error.ts';
import { endJobs } from '#commands/end-jobs.ts';
import { findRunningServer, isAlive } from '#commands/server-record.ts';
import type { Config } from '#config/config.ts';
import { stopEmbeddedPostgres } from '#postgres/postgres.ts';
import { silentLog } from '#kit/log.ts';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const END_PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** Ends the server of this home and the embedded database, also one that a killed server left. Jobs go on unless asked. */
export async function down(config: Config, options: { readonly jobs: boolean }): Promise<void> {
  const running = await findRunningServer(config.home);
  if (running !== null) {
    process.kill(running.pid, 'SIGTERM');
    for (let waited = 0; isAlive(running); waited += LOOK_EVERY_MS) {
      if (waited > END_PATIENCE_MS)
        throw new CommandError(
          `The server (process ${running.pid}) has not ended within ${END_PATIENCE_MS / 1000} s. See its log, or end it with: kill -9 ${running.pid}`,
        );
      await sleep(LOOK_EVERY_MS);
    }
  }
  const postgres = path.join(config.home, 'postgres');
  const database = config.databaseUrl === null && existsSync(postgres) ? await stopEmbeddedPostgres(postgres, silentLog) : 'was-not-running';
  const ended = options.jobs ? await endJobs(config) : null;
  const said = [
    running === null ? `No server was running on ${config.home}.` : 'The server has ended.',
    running === null && database === 'stopped' ? 'The database it had left has ended.' : null,
    ended === null ? null : `${ended} ${ended === 1 ? 'job was' : 'jobs were'} ended.`,
  ];
  process.stdout.write(`${said.filter((line) => line !== null).join(' ')}\n`);
}
