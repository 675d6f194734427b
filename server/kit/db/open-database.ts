import { prepareFrequent } from '#kit/db/prepare-frequent.ts';
import type { DB } from '#kit/db/tables.ts';
import type { Log } from '#kit/log.ts';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';

/** Everything the server reads and writes goes through this. A store is functions that take it, or a transaction, first. */
export type Database = Kysely<DB>;
export type DatabaseTransaction = Transaction<DB>;

export interface OpenDatabase {
  readonly db: Database;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** Where PostgreSQL is: an address, or a socket folder of the embedded one. */
export type DatabaseAddress = Pick<pg.ClientConfig, 'connectionString' | 'host' | 'port' | 'user' | 'password' | 'database' | 'ssl'>;

/** bigint columns hold counts, byte sizes and numbers, all far below 2^53. */
const INT8_OID = 20;
const parseInt8 = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`A bigint from the database is not a safe integer: ${text}`);
  return value;
};

export const DATABASE_POOL_SIZE = 16;
/** A statement that takes longer is a defect, or a lock nobody releases; the caller gets an error instead of hanging. */
const STATEMENT_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;

export function openDatabase(address: DatabaseAddress, log: Log, poolSize = DATABASE_POOL_SIZE, statementTimeoutMs = STATEMENT_TIMEOUT_MS): OpenDatabase {
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8_OID, parseInt8);
  const pool = new pg.Pool({
    ...address,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    statement_timeout: statementTimeoutMs,
    application_name: 'sodate',
    types,
  });
  // An idle connection that breaks (the database was restarted) only means that the pool opens another.
  // The error carries the whole client, with what would let others cancel its statements: only what it says is logged.
  pool.on('error', ({ message }) => log.warn({ why: message }, 'an idle database connection broke'));
  // One that breaks while it is in use tells so twice: its statement fails, which is handled where it was sent, and it emits
  // an error, to which the pool listens only while the connection is idle. Unheard, that would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool: prepareFrequent(pool) }) });
  return {
    db,
    pool,
    close: async () => {
      await db.destroy();
      // Kysely ends only a pool that it has used.
      if (!pool.ended) await pool.end();
    },
  };
}
