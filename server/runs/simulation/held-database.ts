import type { Database } from '#kit/db/open-database.ts';
import type { DB } from '#kit/db/tables.ts';
import { type HeldCalls, InjectedFault } from '#runs/simulation/held-calls.ts';
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import type pg from 'pg';

/** A server's view of the real database, every query of which is a held call. */
export interface HeldDatabase {
  readonly db: Database;
  /** The server is dead: the database notices that its connections are gone, and rolls back. */
  abandon(): Promise<void>;
}

interface Connection {
  real: pg.PoolClient | null;
  inTransaction: boolean;
  broken: boolean;
}

export const connectionLost = (): InjectedFault => new InjectedFault('Connection terminated unexpectedly (injected)');

export function openHeldDatabase(pool: pg.Pool, calls: HeldCalls, owner: string): HeldDatabase {
  const connections = new Set<Connection>();

  const giveBack = async (connection: Connection): Promise<void> => {
    connections.delete(connection);
    const { real } = connection;
    connection.real = null;
    if (real === null) return;
    if (connection.inTransaction) await real.query('rollback');
    real.release();
  };

  const query = async (connection: Connection, text: string, parameters: readonly unknown[]): Promise<unknown> => {
    if (connection.broken) throw connectionLost();
    const run = async (): Promise<unknown> => {
      connection.real ??= await pool.connect();
      const answer = await connection.real.query(text, [...parameters]);
      if (text === 'begin') connection.inTransaction = true;
      if (text === 'commit' || text === 'rollback') connection.inTransaction = false;
      return answer;
    };
    return calls.hold(owner, labelOf(text), run, async () => {
      connection.broken = true;
      await giveBack(connection);
    });
  };

  const heldPool: PostgresPool = {
    async connect() {
      const connection: Connection = { real: null, inTransaction: false, broken: false };
      connections.add(connection);
      // Of a client's many forms of `query`, Kysely's driver uses this one.
      return {
        query: (text: string, parameters: readonly unknown[] = []) => query(connection, text, parameters),
        release: () => void giveBack(connection),
      } as unknown as PostgresPoolClient;
    },
    end: async () => {},
  };
  return {
    db: new Kysely<DB>({ dialect: new PostgresDialect({ pool: heldPool }) }),
    async abandon() {
      for (const connection of [...connections]) await giveBack(connection);
    },
  };
}

const labelOf = (text: string): string => `db: ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 90)}`;
