import { isUniqueViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { boundedTotal, containing, cutPage, decodeCursor } from '#kit/db/page.ts';
import type { Tenants } from '#kit/db/tables.ts';
import { type Caller, type Standing, toStanding } from '#kit/http/access.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { TenantId, type UserId } from '@sodate/contract/ids.ts';
import { TenantName } from '@sodate/contract/names.ts';
import { type Quota, Role, type Tenant } from '@sodate/contract/tenants.ts';
import { type Selectable, sql } from 'kysely';
import { toQuota, toQuotaColumns } from './quota-columns.ts';

export type TenantRow = Selectable<Tenants>;

/** The same for a tenant that does not exist and for one that the caller must not learn of. */
export const tenantNotFound = (reference: string): SodateError => new SodateError('not-found', { thing: 'tenant', reference: reference.slice(0, 128) });

export const toTenant = (row: TenantRow): Tenant => ({
  id: row.id as TenantId,
  number: row.number,
  name: row.name,
  displayName: row.display_name,
  quota: toQuota(row),
  executors: row.executors,
  dropCapabilities: row.drop_capabilities,
  createdAt: row.created_at.toISOString(),
});

/** What a reference, an id or a name, is compared with; null for what can be neither. */
function readReference(reference: string): { readonly column: 'id' | 'name'; readonly value: string } | null {
  if (TenantId.safeParse(reference).success) return { column: 'id', value: reference };
  return TenantName.safeParse(reference).success ? { column: 'name', value: reference } : null;
}

/** Whoever asks: for callers whose right to the tenant is settled. @throws SodateError `not-found` */
export async function findTenant(db: Database, reference: string): Promise<TenantRow> {
  const by = readReference(reference);
  const row = by && (await db.selectFrom('tenants').selectAll().where(by.column, '=', by.value).executeTakeFirst());
  if (!row) throw tenantNotFound(reference);
  return row;
}

/** A tenant and what the user is there, in one query: every request to a tenant that does not come with a token asks this. */
export async function findStanding(db: Database, user: UserId, reference: string): Promise<Standing | null> {
  const by = readReference(reference);
  if (!by) return null;
  const row = await db
    .selectFrom('tenants')
    .leftJoin('users', (join) => join.on('users.id', '=', user))
    .leftJoin('memberships', (join) => join.onRef('memberships.tenant_id', '=', 'tenants.id').on('memberships.user_id', '=', user))
    .select(['tenants.id', 'tenants.number', 'tenants.name', 'users.system_admin', 'memberships.role'])
    .where(`tenants.${by.column}`, '=', by.value)
    .executeTakeFirst();
  return row ? toStanding({ ...row, system_admin: row.system_admin === true }) : null;
}

/** Tenants in which the caller may work: those of the user, or the one of the token if it is still among them. */
function tenantsOf(db: Database, caller: Caller) {
  let visible = db
    .selectFrom('tenants')
    .leftJoin('memberships', (join) => join.onRef('memberships.tenant_id', '=', 'tenants.id').on('memberships.user_id', '=', caller.user));
  if (caller.onlyTenant !== null) visible = visible.where('tenants.id', '=', caller.onlyTenant);
  if (caller.attempt !== null) return visible;
  const isSystemAdmin = db.selectFrom('users').select('users.id').where('users.id', '=', caller.user).where('users.system_admin', '=', true);
  return visible.where((expression) => expression.or([expression('memberships.role', 'is not', null), expression.exists(isSystemAdmin)]));
}

export async function listTenants(
  db: Database,
  caller: Caller,
  ask: { readonly limit: number; readonly cursor?: string | undefined; readonly text?: string | undefined },
): Promise<{ items: Tenant[]; nextCursor: string | null; total: { count: number; exact: boolean } }> {
  let matching = tenantsOf(db, caller);
  if (ask.text !== undefined) matching = matching.where(sql`tenants.name || ' ' || tenants.display_name`, 'ilike', containing(ask.text));
  const key = decodeCursor(ask.cursor);
  let page = matching
    .selectAll('tenants')
    .orderBy('tenants.created_at', 'desc')
    .orderBy('tenants.id', 'desc')
    .limit(ask.limit + 1);
  if (key) page = page.where(sql<boolean>`(tenants.created_at, tenants.id) < (${key.at}, ${key.id})`);
  const [rows, total] = await Promise.all([page.execute(), boundedTotal(matching)]);
  const cut = cutPage(rows, ask.limit);
  return { items: cut.rows.map(toTenant), nextCursor: cut.nextCursor, total };
}

/** Only a system admin can have more; `/v1/tenants` pages through them all. */
const WORKPLACES_LIMIT = 1000;

/** Where the caller may work and as what, by name. */
export async function listWorkplaces(db: Database, caller: Caller): Promise<{ id: TenantId; name: string; displayName: string; role: Role }[]> {
  const rows = await tenantsOf(db, caller)
    .leftJoin('users', (join) => join.on('users.id', '=', caller.user))
    .select(['tenants.id', 'tenants.name', 'tenants.display_name', 'memberships.role', 'users.system_admin'])
    .orderBy('tenants.name')
    .limit(WORKPLACES_LIMIT)
    .execute();
  return rows.map((row) => ({
    id: row.id as TenantId,
    name: row.name,
    displayName: row.display_name,
    role: caller.attempt !== null ? 'member' : row.system_admin === true ? 'admin' : Role.parse(row.role),
  }));
}

/** @throws SodateError `name-taken` */
export async function insertTenant(
  db: Database,
  tenant: {
    readonly id: TenantId;
    readonly name: string;
    readonly displayName: string;
    readonly quota: Quota;
    readonly executors: string[] | null;
    readonly dropCapabilities: boolean;
    readonly now: Date;
  },
): Promise<TenantRow> {
  try {
    return await db
      .insertInto('tenants')
      .values({
        id: tenant.id,
        name: tenant.name,
        display_name: tenant.displayName,
        executors: tenant.executors,
        drop_capabilities: tenant.dropCapabilities,
        created_at: tenant.now,
        ...toQuotaColumns(tenant.quota),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    // Two tries under one idempotency key at the same time: the slower one answers with what the faster one made.
    const made = await findTenantById(db, tenant.id);
    if (made) return made;
    throw new SodateError('name-taken', { thing: 'tenant', name: tenant.name }, { cause: error });
  }
}

export async function findTenantById(db: Database, id: TenantId): Promise<TenantRow | undefined> {
  return db.selectFrom('tenants').selectAll().where('id', '=', id).executeTakeFirst();
}

/** @throws SodateError `not-found` */
export async function updateTenant(
  db: Database,
  reference: string,
  change: {
    readonly displayName?: string | undefined;
    readonly quota?: Quota | undefined;
    readonly executors?: string[] | null | undefined;
    readonly dropCapabilities?: boolean | undefined;
  },
): Promise<TenantRow> {
  const tenant = await findTenant(db, reference);
  const values = {
    ...(change.displayName === undefined ? {} : { display_name: change.displayName }),
    ...(change.quota === undefined ? {} : toQuotaColumns(change.quota)),
    ...(change.executors === undefined ? {} : { executors: change.executors }),
    ...(change.dropCapabilities === undefined ? {} : { drop_capabilities: change.dropCapabilities }),
  };
  if (Object.keys(values).length === 0) return tenant;
  const row = await db.updateTable('tenants').set(values).where('id', '=', tenant.id).returningAll().executeTakeFirst();
  if (!row) throw tenantNotFound(reference);
  return row;
}
