import { isStatementTimeout } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { sql } from 'kysely';

/** A search that takes longer is given up: it would keep a connection from everybody else. */
const SEARCH_SECONDS_LIMIT = 5;

/**
 * For searches of which whoever asks decides what they cost. They are planned anew each time: a plan for any text whatever
 * would be one for texts that are in everything.
 * @throws SodateError `search-too-slow`
 */
export async function searchInTime<Found>(db: Database, search: (tx: Database) => Promise<Found>): Promise<Found> {
  try {
    return await db.transaction().execute(async (tx) => {
      await sql`select set_config('statement_timeout', ${String(SEARCH_SECONDS_LIMIT * 1000)}, true), set_config('plan_cache_mode', 'force_custom_plan', true)`.execute(
        tx,
      );
      return await search(tx);
    });
  } catch (error) {
    if (isStatementTimeout(error)) throw new SodateError('search-too-slow', { seconds: SEARCH_SECONDS_LIMIT }, { cause: error });
    throw error;
  }
}
