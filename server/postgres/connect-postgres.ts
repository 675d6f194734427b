import { Client } from 'pg';
import { ADMINISTRATOR, PLATFORM_DATABASE, PLATFORM_ROLE, readPassword } from './initialise-cluster.ts';
import { PostgresError, errorCode } from './postgres-error.ts';
import { SOCKET_PORT } from './postgres-settings.ts';

/** What `new Pool(connection)` of node-postgres takes; complete, so that no PG… variable of the environment fills a gap. */
export interface PostgresConnection {
  /** The folder of the socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: false;
}

export async function connectionTo(dataFolder: string, socketFolder: string): Promise<PostgresConnection> {
  return { host: socketFolder, port: SOCKET_PORT, user: PLATFORM_ROLE, password: await readPassword(dataFolder), database: PLATFORM_DATABASE, ssl: false };
}

export const asAdministrator = (connection: PostgresConnection): PostgresConnection => ({ ...connection, user: ADMINISTRATOR });

/** `unreachable`: nobody listens on the socket. `not-yet`: somebody does and asks for patience (starting, stopping, full). `silent`: somebody does and says nothing. */
export type Answer = 'ready' | 'not-yet' | 'silent' | 'unreachable';

const NOT_YET = new Set(['57P03', '53300', 'EAGAIN', 'ECONNRESET', 'EPIPE']);
const UNREACHABLE = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK']);

export async function askPostgres(connection: PostgresConnection): Promise<Answer> {
  const client = new Client({ ...connection, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined); // it may be shut down while we look, which the answer tells anyway
  try {
    await client.connect();
    await client.query('SELECT 1');
    return 'ready';
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (UNREACHABLE.has(code)) return 'unreachable';
    if (code === '28P01' || code === '28000') {
      throw new PostgresError(
        'password-not-valid',
        `The database on ${connection.host} does not accept the password that is kept in its folder. Put the file sodate.password back as it was.`,
        { cause: error },
      );
    }
    if (NOT_YET.has(code)) return 'not-yet';
    if (code === '') return 'silent'; // the driver's own errors: the time is over, the connection ended
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
