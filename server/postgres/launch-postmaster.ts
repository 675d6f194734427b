import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { TOOL_ENVIRONMENT } from './choose-identity.ts';
import { type PostgresConnection, askPostgres } from './connect-postgres.ts';
import { PostgresError } from './postgres-error.ts';
import { lastLogLines } from './postgres-log.ts';
import { type PostgresSettings, postgresArguments } from './postgres-settings.ts';
import { type PostgresTiming, waitUntil } from './postgres-timing.ts';
import type { PostgresTools } from './prepare-tools.ts';
import { readProcess } from './read-process.ts';

interface Launch {
  readonly dataFolder: string;
  readonly connection: PostgresConnection;
  readonly logFile: string;
  readonly settings: PostgresSettings;
  readonly tools: PostgresTools;
  readonly timing: PostgresTiming;
}

/**
 * Starts a postmaster in a session of its own, so that neither the end of this process nor a Ctrl-C in its terminal touches it, and
 * waits until it answers. Dying in between leaves a postmaster that the next start finds and adopts.
 */
export async function launchPostmaster({ dataFolder, connection, logFile, settings, tools, timing }: Launch): Promise<number> {
  const invocation = tools.invocation('postgres', postgresArguments(dataFolder, connection.host, settings));
  const { uid, gid } = invocation;
  const log = await open(logFile, 'a', 0o600);
  try {
    const from = (await log.stat()).size;
    const child = spawn(invocation.command, [...invocation.arguments], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: TOOL_ENVIRONMENT,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`exit ${signal ?? code}`));
    });
    child.unref();
    // unshare and setpriv become PostgreSQL (exec), so this is the pid of the postmaster itself.
    const pid = child.pid;
    const alive = () => pid !== undefined && readProcess(pid) !== undefined;
    const ready = await waitUntil(async () => !alive() || (await askPostgres(connection)) === 'ready', timing.readyWithinMilliseconds);
    if (pid !== undefined && ready && alive()) return pid;
    // It has ended, and this process must live to hear how: nothing else may be left to keep it alive.
    child.ref();
    const why = alive() ? `no answer within ${timing.readyWithinMilliseconds / 1000} s` : await ended;
    throw new PostgresError('cannot-start', `PostgreSQL could not be started in ${dataFolder} (${why}). It said:\n${await lastLogLines(logFile, from)}`);
  } finally {
    await log.close();
  }
}
