import type { Database } from '#kit/db/open-database.ts';
import { sql } from 'kysely';
import type pg from 'pg';

/** Shared by those who remove files whose rows are gone, alone to a backup while it copies what its rows name. */
const REMOVAL_LOCK = 7_363_002;
/** Removers hold it for one transaction, so whoever has it for longer is another backup. */
const HOLD_PATIENCE_MS = 30_000;

/**
 * While a backup is made nothing that a row of its snapshot may name is removed. Rows may go at any time; the bytes are
 * then left to the sweeps. The hold belongs to a connection, so it ends with the process, however that ends.
 * @returns false when another backup has it
 */
export async function holdRemovals(client: pg.ClientBase): Promise<boolean> {
  await client.query(`set lock_timeout = ${HOLD_PATIENCE_MS}`);
  try {
    await client.query('select pg_advisory_lock($1)', [REMOVAL_LOCK]);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === '55P03') return false;
    throw error;
  }
}

/**
 * Whether files may be removed. In a transaction no hold begins before it ends; alone the answer is good for files whose
 * rows were gone before it was asked: a backup that begins later does not know them.
 */
export async function mayRemove(db: Database): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`select pg_try_advisory_xact_lock_shared(${REMOVAL_LOCK}) as may`.execute(db);
  return rows[0]?.may === true;
}
