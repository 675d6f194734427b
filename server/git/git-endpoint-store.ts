import type { Database } from '#kit/db/open-database.ts';
import { isUniqueViolation } from '#kit/db/database-errors.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { z } from 'zod';

export interface StoredEndpoint {
  readonly id: GitEndpointId;
  readonly number: number;
  readonly name: string;
  readonly kind: 'local';
  readonly root: string;
  readonly createdAt: Date;
}

interface EndpointRow {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly root: string;
  readonly created_at: Date;
}

// The table's check allows no kind but `local`.
const toEndpoint = (row: EndpointRow): StoredEndpoint => ({
  id: row.id as GitEndpointId,
  number: row.number,
  name: row.name,
  kind: 'local',
  root: row.root,
  createdAt: row.created_at,
});

/** All of them, the oldest first. Endpoints are made by hand by system admins, so there are few. */
export async function loadEndpoints(db: Database): Promise<readonly StoredEndpoint[]> {
  const rows = await db.selectFrom('git_endpoints').selectAll().orderBy('number').execute();
  return rows.map(toEndpoint);
}

/** @param reference an id or a name */
export async function loadEndpoint(db: Database, reference: string): Promise<StoredEndpoint> {
  const row = await db
    .selectFrom('git_endpoints')
    .selectAll()
    .where(z.uuid().safeParse(reference).success ? 'id' : 'name', '=', reference)
    .executeTakeFirst();
  if (!row) throw new SodateError('not-found', { thing: 'git endpoint', reference });
  return toEndpoint(row);
}

export async function insertEndpoint(
  db: Database,
  endpoint: { readonly id: GitEndpointId; readonly name: string; readonly root: string; readonly now: Date },
): Promise<StoredEndpoint> {
  try {
    const row = await db
      .insertInto('git_endpoints')
      .values({ id: endpoint.id, name: endpoint.name, kind: 'local', root: endpoint.root, created_at: endpoint.now })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toEndpoint(row);
  } catch (error) {
    if (isUniqueViolation(error, 'git_endpoints_name_key'))
      throw new SodateError('name-taken', { thing: 'git endpoint', name: endpoint.name }, { cause: error });
    throw error;
  }
}

/** Removes it unless a run names it: whatever the run's kind, its request holds the endpoint as `{"endpoint": {"id": …}}`. */
export async function deleteUnusedEndpoint(db: Database, endpoint: StoredEndpoint): Promise<void> {
  const used = await db
    .selectFrom('runs')
    .select('id')
    .where(sql<boolean>`jsonb_path_exists(request, '$.**.endpoint.id ? (@ == $endpoint)', jsonb_build_object('endpoint', ${endpoint.id}::text))`)
    .limit(1)
    .executeTakeFirst();
  if (used) throw new SodateError('in-use', { thing: 'Git endpoint', reference: endpoint.name, users: 'runs' });
  await db.deleteFrom('git_endpoints').where('id', '=', endpoint.id).execute();
}
