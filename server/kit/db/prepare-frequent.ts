import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';

/** Seen this often, a statement is worth a place in every connection. */
const FREQUENT = 20;
/** Each takes some 20 kB in every connection, for as long as it is open. */
const PREPARED_LIMIT = 128;
/** Texts that are counted; lists of values of every length make ever new ones. */
const COUNTED_LIMIT = 1_000;

/**
 * The pool, with the statements that come again and again prepared under a name, so that PostgreSQL parses and plans them
 * once in a connection instead of each time: for most of ours that is the larger part of what they cost it.
 */
export function prepareFrequent(pool: pg.Pool): PostgresPool {
  const counts = new Map<string, number>();
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const name = names.get(text);
    if (name !== undefined || names.size >= PREPARED_LIMIT) return name;
    const count = (counts.get(text) ?? 0) + 1;
    if (count < FREQUENT) {
      if (count > 1 || counts.size < COUNTED_LIMIT) counts.set(text, count);
      return undefined;
    }
    counts.delete(text);
    names.set(text, `sodate_${names.size}`);
    return names.get(text);
  };
  return {
    async connect() {
      const client = await pool.connect();
      const query = (text: unknown, values?: readonly unknown[]): unknown => {
        if (typeof text !== 'string') return client.query(text as pg.QueryConfig);
        // Without parameters it goes the shorter way of a simple query.
        const name = values === undefined || values.length === 0 ? undefined : nameOf(text);
        return client.query({ text, values: [...(values ?? [])], ...(name === undefined ? {} : { name }) });
      };
      return { query: query as PostgresPoolClient['query'], release: () => client.release() };
    },
    end: () => pool.end(),
  };
}
