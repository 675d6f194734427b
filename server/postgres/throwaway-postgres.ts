import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type PostgresConnection, asAdministrator } from './connect-postgres.ts';
import { PLATFORM_ROLE } from './initialise-cluster.ts';
import { startEmbeddedPostgres } from './postgres.ts';
import type { PostgresLog } from './postgres-log.ts';

export interface ThrowawayPostgres {
  /** The same kind of role as in production, no superuser, but it may create databases. */
  readonly connection: PostgresConnection;
  readonly administrator: PostgresConnection;
  stop(): Promise<void>;
}

const SILENT: PostgresLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A PostgreSQL for tests and tools: quick, not durable, and gone with its folder after `stop` or with this process, however that ends. */
export async function startThrowawayPostgres(options: { readonly log?: PostgresLog; readonly maximumConnections?: number } = {}): Promise<ThrowawayPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'sodate-throwaway-'));
  const reaped = reapWithUs(folder);
  try {
    const database = await startEmbeddedPostgres({
      folder,
      log: options.log ?? SILENT,
      settings: { durable: false, maximumConnections: options.maximumConnections ?? 200 },
    });
    const administrator = asAdministrator(database.connection);
    await allowDatabases(administrator);
    return {
      connection: database.connection,
      administrator,
      stop: async () => {
        await database.stop();
        await reaped();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await reaped();
    throw error;
  }
}

async function allowDatabases(administrator: PostgresConnection): Promise<void> {
  const client = new Client(administrator);
  await client.connect();
  await client.query(`ALTER ROLE ${PLATFORM_ROLE} CREATEDB`);
  await client.end();
}

/**
 * A shell that reads a pipe we never write to: it learns of our end even by kill -9, because the system closes the pipe. In a
 * session of its own, so that a Ctrl-C does not end it before us. Returns what ends it: the postmaster, if any is left, goes too.
 */
function reapWithUs(folder: string): () => Promise<void> {
  // It waits for the lock file to go, at most 5 s: under a PID 1 that does not reap, `kill -0` would go on seeing the postmaster.
  const script =
    'cat > /dev/null; lock="$0/data/postmaster.pid"; read -r pid < "$lock" && kill -QUIT "$pid" && for i in $(seq 100); do [ -e "$lock" ] || break; sleep 0.05; done; rm -rf "$0"';
  const reaper = spawn('/bin/sh', ['-c', script, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/', env: { PATH: '/usr/bin:/bin' } });
  const ended = new Promise<void>((resolve) => {
    reaper.once('exit', () => resolve());
    reaper.once('error', () => resolve());
  });
  reaper.unref();
  if (reaper.stdin instanceof Socket) reaper.stdin.unref();
  return async () => {
    reaper.ref();
    reaper.stdin.end();
    await ended;
  };
}
