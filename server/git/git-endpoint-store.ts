import { formatHostKeys, type HostKey, parseHostKeys } from '#git/host-keys.ts';
import type { Database } from '#kit/db/open-database.ts';
import { isUniqueViolation } from '#kit/db/database-errors.ts';
import type { GitServerKind } from '@sodate/contract/git.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { z } from 'zod';

interface Endpoint {
  readonly id: GitEndpointId;
  readonly number: number;
  readonly name: string;
  readonly createdAt: Date;
}

/** A folder of repositories on this machine. */
export interface StoredFolder extends Endpoint {
  readonly kind: 'local';
  readonly root: string;
}

export interface StoredServer extends Endpoint {
  readonly kind: GitServerKind;
  readonly url: string;
  readonly apiUrl: string | null;
  /** Of which the server must show one; empty unless it is spoken with over SSH. */
  readonly hostKeys: readonly HostKey[];
  readonly lfsHosts: readonly string[];
}

export type StoredEndpoint = StoredFolder | StoredServer;

/** What a system admin gives, checked. */
export type NewEndpoint = Omit<StoredFolder, 'number' | 'createdAt'> | Omit<StoredServer, 'number' | 'createdAt'>;

interface EndpointRow {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly root: string | null;
  readonly url: string | null;
  readonly api_url: string | null;
  readonly host_keys: string | null;
  readonly lfs_hosts: string[];
  readonly created_at: Date;
}

// The table's check allows these kinds only, `local` with a root and the others with an address.
function toEndpoint(row: EndpointRow): StoredEndpoint {
  const shared = { id: row.id as GitEndpointId, number: row.number, name: row.name, createdAt: row.created_at };
  if (row.kind === 'local') return { ...shared, kind: 'local', root: row.root ?? '' };
  return {
    ...shared,
    kind: row.kind as GitServerKind,
    url: row.url ?? '',
    apiUrl: row.api_url,
    hostKeys: row.host_keys === null ? [] : parseHostKeys(row.host_keys),
    lfsHosts: row.lfs_hosts,
  };
}

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

const hostKeysColumn = (keys: readonly HostKey[]): string | null => (keys.length === 0 ? null : formatHostKeys(keys));

export async function insertEndpoint(db: Database, endpoint: NewEndpoint, now: Date): Promise<StoredEndpoint> {
  const { id, name, kind } = endpoint;
  const place =
    endpoint.kind === 'local'
      ? { root: endpoint.root }
      : { url: endpoint.url, api_url: endpoint.apiUrl, host_keys: hostKeysColumn(endpoint.hostKeys), lfs_hosts: [...endpoint.lfsHosts] };
  const row = await orTaken(
    name,
    db
      .insertInto('git_endpoints')
      .values({ id, name, kind, ...place, created_at: now })
      .returningAll()
      .executeTakeFirstOrThrow(),
  );
  return toEndpoint(row);
}

export async function updateEndpointRow(
  db: Database,
  endpoint: StoredEndpoint,
  change: { readonly name?: string | undefined; readonly hostKeys?: readonly HostKey[] | undefined; readonly lfsHosts?: readonly string[] | undefined },
): Promise<StoredEndpoint> {
  const row = await orTaken(
    change.name ?? endpoint.name,
    db
      .updateTable('git_endpoints')
      .set({
        name: change.name ?? endpoint.name,
        ...(change.hostKeys === undefined ? {} : { host_keys: hostKeysColumn(change.hostKeys) }),
        ...(change.lfsHosts === undefined ? {} : { lfs_hosts: [...change.lfsHosts] }),
      })
      .where('id', '=', endpoint.id)
      .returningAll()
      .executeTakeFirst(),
  );
  if (!row) throw new SodateError('not-found', { thing: 'git endpoint', reference: endpoint.name });
  return toEndpoint(row);
}

async function orTaken<Row>(name: string, work: Promise<Row>): Promise<Row> {
  try {
    return await work;
  } catch (error) {
    if (isUniqueViolation(error, 'git_endpoints_name_key')) throw new SodateError('name-taken', { thing: 'git endpoint', name }, { cause: error });
    throw error;
  }
}

/** An error lists this many. */
const LISTED_RUNS = 50;
/** A sentence names this many. */
const NAMED_RUNS = 5;

/**
 * Removes it unless a run names it: whatever the run's kind, its request holds the endpoint as `{"endpoint": {"id": …}}`.
 * @throws SodateError `in-use` with those runs, of all tenants, the oldest first
 */
export async function deleteUnusedEndpoint(db: Database, endpoint: StoredEndpoint): Promise<void> {
  const runs = await db
    .selectFrom('runs')
    .innerJoin('tenants', 'tenants.id', 'runs.tenant_id')
    .select(['runs.id', 'runs.kind', 'runs.number', 'runs.name', 'tenants.name as tenant'])
    .where(sql<boolean>`jsonb_path_exists(runs.request, '$.**.endpoint.id ? (@ == $endpoint)', jsonb_build_object('endpoint', ${endpoint.id}::text))`)
    .orderBy('runs.created_at')
    .orderBy('runs.id')
    .limit(LISTED_RUNS + 1)
    .execute();
  if (runs.length > 0) {
    const things = runs
      .slice(0, LISTED_RUNS)
      .map((run) => ({ kind: 'run', id: run.id, reference: `${run.kind}-${run.number}`, name: `${run.name} (${run.tenant})` }));
    const named = things.slice(0, NAMED_RUNS).map(({ reference }) => reference);
    const more = runs.length > LISTED_RUNS ? `${LISTED_RUNS - NAMED_RUNS} or more others` : `${runs.length - named.length} others`;
    const users = `${runs.length === 1 ? 'the run' : 'the runs'} ${named.join(', ')}${runs.length > named.length ? ` and ${more}` : ''}`;
    throw new SodateError('in-use', { thing: 'Git endpoint', reference: endpoint.name, users }, { things });
  }
  await db.deleteFrom('git_endpoints').where('id', '=', endpoint.id).execute();
}
