import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { boundedTotal, cutPage, decodeCursor } from '#kit/db/page.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';
import { Role } from '@sodate/contract/tenants.ts';
import { sql } from 'kysely';
import { tenantNotFound } from './tenant-store.ts';

export interface MemberRow {
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly role: Role;
}

export async function listMembers(
  db: Database,
  tenant: TenantId,
  ask: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ items: MemberRow[]; nextCursor: string | null; total: { count: number; exact: boolean } }> {
  const matching = db.selectFrom('memberships').innerJoin('users', 'users.id', 'memberships.user_id').where('memberships.tenant_id', '=', tenant);
  const key = decodeCursor(ask.cursor);
  let page = matching
    .select(['memberships.created_at', 'users.id', 'users.name', 'users.display_name', 'memberships.role'])
    .orderBy('memberships.created_at', 'desc')
    .orderBy('memberships.user_id', 'desc')
    .limit(ask.limit + 1);
  if (key) page = page.where(sql<boolean>`(memberships.created_at, memberships.user_id) < (${key.at}, ${key.id})`);
  const [rows, total] = await Promise.all([page.execute(), boundedTotal(matching)]);
  const cut = cutPage(rows, ask.limit);
  return {
    items: cut.rows.map((row) => ({ user: { id: row.id, name: row.name, displayName: row.display_name }, role: Role.parse(row.role) })),
    nextCursor: cut.nextCursor,
    total,
  };
}

/** @returns whether the user is new here @throws SodateError `not-found` when the tenant has just been deleted */
export async function putMember(
  db: Database,
  member: { readonly tenant: TenantId; readonly user: UserId; readonly role: Role; readonly now: Date },
): Promise<boolean> {
  try {
    const row = await db
      .insertInto('memberships')
      .values({ tenant_id: member.tenant, user_id: member.user, role: member.role, created_at: member.now })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'user_id']).doUpdateSet({ role: member.role }))
      .returning(sql<boolean>`xmax = 0`.as('inserted'))
      .executeTakeFirstOrThrow();
    return row.inserted;
  } catch (error) {
    if (isForeignKeyViolation(error)) throw tenantNotFound(member.tenant);
    throw error;
  }
}
