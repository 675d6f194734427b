import { parseImageReference } from '#registries/image-reference.ts';
import { isUniqueViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RegistryId } from '@sodate/contract/ids.ts';
import { z } from 'zod';

export interface StoredRegistry {
  readonly id: RegistryId;
  readonly number: number;
  readonly name: string;
  readonly address: string;
  readonly insecure: boolean;
  readonly tokenHosts: readonly string[];
  readonly createdAt: Date;
}

interface RegistryRow {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly address: string;
  readonly insecure: boolean;
  readonly token_hosts: string[];
  readonly created_at: Date;
}

const toRegistry = (row: RegistryRow): StoredRegistry => ({
  id: row.id as RegistryId,
  number: row.number,
  name: row.name,
  address: row.address,
  insecure: row.insecure,
  tokenHosts: row.token_hosts,
  createdAt: row.created_at,
});

/** All of them, the oldest first. They are made by hand by system admins, so there are few. */
export async function loadRegistries(db: Database): Promise<readonly StoredRegistry[]> {
  const rows = await db.selectFrom('registries').selectAll().orderBy('number').execute();
  return rows.map(toRegistry);
}

const notFound = (reference: string): SodateError => new SodateError('not-found', { thing: 'registry', reference });

/** @param reference an id or a name */
export async function loadRegistry(db: Database, reference: string): Promise<StoredRegistry> {
  const row = await db
    .selectFrom('registries')
    .selectAll()
    .where(z.uuid().safeParse(reference).success ? 'id' : 'name', '=', reference)
    .executeTakeFirst();
  if (!row) throw notFound(reference);
  return toRegistry(row);
}

export async function insertRegistry(
  db: Database,
  registry: Pick<StoredRegistry, 'id' | 'name' | 'address' | 'insecure' | 'tokenHosts'> & { readonly now: Date },
): Promise<StoredRegistry> {
  const { id, name, address, insecure, now } = registry;
  const row = await orTaken(
    registry,
    db
      .insertInto('registries')
      .values({ id, name, address, insecure, token_hosts: [...registry.tokenHosts], created_at: now })
      .returningAll()
      .executeTakeFirstOrThrow(),
  );
  return toRegistry(row);
}

export async function updateRegistryRow(
  db: Database,
  reference: string,
  change: { readonly name?: string | undefined; readonly insecure?: boolean | undefined; readonly tokenHosts?: readonly string[] | undefined },
): Promise<StoredRegistry> {
  const registry = await loadRegistry(db, reference);
  const { name = registry.name, insecure = registry.insecure, tokenHosts = registry.tokenHosts } = change;
  const row = await orTaken(
    { name, address: registry.address },
    db
      .updateTable('registries')
      .set({ name, insecure, token_hosts: [...tokenHosts] })
      .where('id', '=', registry.id)
      .returningAll()
      .executeTakeFirst(),
  );
  if (!row) throw notFound(reference);
  return toRegistry(row);
}

async function orTaken<Row>(registry: { readonly name: string; readonly address: string }, work: Promise<Row>): Promise<Row> {
  try {
    return await work;
  } catch (error) {
    if (isUniqueViolation(error, 'registries_name_key')) throw new SodateError('name-taken', { thing: 'registry', name: registry.name }, { cause: error });
    if (isUniqueViolation(error, 'registries_address_key'))
      throw new SodateError('name-taken', { thing: 'registry with an address', name: registry.address }, { cause: error });
    throw error;
  }
}

/**
 * Removes a registry with every tenant's credential for its address, unless a run that has not ended needs it to pull. A
 * run that is submitted in the same moment may slip through: it then fails to pull, and says why.
 * @throws SodateError `in-use`
 */
export async function removeRegistry(db: Database, reference: string): Promise<void> {
  const registry = await loadRegistry(db, reference);
  const unfinished = await db.selectFrom('runs').select('image').distinct().where('state', 'not in', ['succeeded', 'failed', 'cancelled']).execute();
  if (unfinished.some(({ image }) => parseImageReference(image)?.registry === registry.address))
    throw new SodateError('in-use', { thing: 'Registry', reference: registry.name, users: 'runs that have not ended' });
  await db.transaction().execute(async (tx) => {
    await tx.deleteFrom('registry_credentials').where('host', '=', registry.address).execute();
    await tx.deleteFrom('registries').where('id', '=', registry.id).execute();
  });
}
