import { type PostgresConnection, askPostgres, connectionTo } from './connect-postgres.ts';
import type { PostgresLog } from './postgres-log.ts';
import { type PostgresTiming, waitUntil } from './postgres-timing.ts';
import { readPostmaster } from './read-postmaster.ts';
import { stopPostmaster } from './stop-postmaster.ts';

export interface Adopted {
  readonly pid: number;
  readonly connection: PostgresConnection;
}

/**
 * Takes over a postmaster that an earlier server left behind (29 ms instead of a recovery). One that lives but lets nobody in, for example because a cleaner
 * removed its socket from the temporary folder, is stopped instead. Under the start lock.
 */
export async function adoptPostmaster(dataFolder: string, socketFolder: string, log: PostgresLog, timing: PostgresTiming): Promise<Adopted | undefined> {
  const first = readPostmaster(dataFolder);
  if (first.is !== 'running') return undefined;
  const { pid } = first;
  let connection = await connectionTo(dataFolder, first.socketFolder ?? socketFolder);
  let patient = false;
  const look = async (): Promise<boolean> => {
    const now = readPostmaster(dataFolder);
    if (now.is !== 'running' || now.pid !== pid) return true;
    if (now.socketFolder !== undefined) connection = { ...connection, host: now.socketFolder };
    const answer = await askPostgres(connection);
    patient ||= answer === 'not-yet';
    return answer === 'ready';
  };
  // Recovering or shutting down, it says so; then it gets as long as a launch would.
  const settled = (await waitUntil(look, timing.adoptWithinMilliseconds)) || (patient && (await waitUntil(look, timing.readyWithinMilliseconds)));
  const now = readPostmaster(dataFolder);
  if (now.is !== 'running' || now.pid !== pid) return undefined;
  if (settled) return { pid, connection };
  log.warn({ pid, dataFolder }, 'The database left by an earlier server does not answer; it is replaced');
  await stopPostmaster(pid, timing);
  return undefined;
}
