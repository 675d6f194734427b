import { isStatementTimeout } from '#kit/db/database-errors.ts';
import { type DatabaseAddress, openDatabase, type OpenDatabase } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import { SodateError } from '@sodate/contract/errors.ts';

/** A search that takes longer is given up: it would keep a connection from everybody else. */
export const SEARCH_SECONDS_LIMIT = 5;
const CONNECTIONS = 4;

/** Connections for searches of which whoever asks decides what they cost: few, apart from all others', and patient for a short time. */
export const openSearches = (address: DatabaseAddress, log: Log): OpenDatabase => openDatabase(address, log, CONNECTIONS, SEARCH_SECONDS_LIMIT * 1000);

/** @throws SodateError `search-too-slow` in the place of the database's own error */
export async function orTooSlow<Found>(search: Promise<Found>): Promise<Found> {
  try {
    return await search;
  } catch (error) {
    if (isStatementTimeout(error)) throw new SodateError('search-too-slow', { seconds: SEARCH_SECONDS_LIMIT }, { cause: error });
    throw error;
  }
}
