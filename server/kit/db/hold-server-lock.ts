import type { DatabaseAddress } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import { createHash } from 'node:crypto';
import pg from 'pg';

export interface ServerLock {
  release(): Promise<void>;
}

const RETAKE_EVERY_MS = 250;
/** Where many statements go wrong at once, the database is being restarted; longer than this and it is gone. */
const LONGEST_OUTAGE_MS = 60_000;

/**
 * Makes sure that one process at a time runs as this server. The lock belongs to a connection, so the system frees it the
 * moment the process dies, however it dies. When the connection is cut by the database, it is taken again; `onLost` is
 * called when another process was quicker, or the database stays away: this process must end then.
 * @returns null when another process holds it
 */
export async function holdServerLock(address: DatabaseAddress, serverId: string, log: Log, onLost: (why: string) => void): Promise<ServerLock | null> {
  const key = createHash('sha256').update(serverId).digest().readBigInt64BE();
  const held: { client: pg.Client | null; released: boolean } = { client: null, released: false };

  const take = async (): Promise<'held' | 'taken'> => {
    const client = new pg.Client({ ...address, application_name: 'sodate-server-lock', keepAlive: true });
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [key.toString()]);
    if (rows[0]?.mine !== true) {
      await client.end();
      return 'taken';
    }
    held.client = client;
    client.on('end', () => void retake());
    return 'held';
  };

  const retake = async (): Promise<void> => {
    if (held.released) return;
    log.warn({}, 'the connection that holds the server lock was cut; taking it again');
    for (let waited = 0; waited < LONGEST_OUTAGE_MS && !held.released; waited += RETAKE_EVERY_MS) {
      await new Promise((resolve) => setTimeout(resolve, RETAKE_EVERY_MS));
      try {
        if ((await take()) === 'held') return;
        return onLost('another process has taken over this home');
      } catch {
        // The database is not back yet.
      }
    }
    if (!held.released) onLost('the database has not answered for a minute');
  };

  if ((await take()) === 'taken') return null;
  return {
    async release() {
      held.released = true;
      await held.client?.end().catch(() => {});
    },
  };
}
