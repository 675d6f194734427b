import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';

/** Named as in KAMONOHASHI, whose users look for it. */
const FIRST_TENANT_NAME = 'sandbox';

/**
 * Gives an installation that has no tenant its first one, with the system admins as its admins, so that whoever signs in
 * first can begin to work. Of servers that start at the same time, the unique name lets one make it.
 */
export async function ensureFirstTenant(db: Database, now: Date): Promise<void> {
  const exists = await db.selectFrom('tenants').select('id').limit(1).executeTakeFirst();
  if (exists !== undefined) return;
  await db.transaction().execute(async (tx) => {
    const made = await tx
      .insertInto('tenants')
      .values({ id: newId(), name: FIRST_TENANT_NAME, display_name: FIRST_TENANT_NAME, created_at: now })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (made === undefined) return;
    const admins = await tx.selectFrom('users').select('id').where('system_admin', '=', true).execute();
    if (admins.length === 0) return;
    await tx
      .insertInto('memberships')
      .values(admins.map((admin) => ({ tenant_id: made.id, user_id: admin.id, role: 'admin', created_at: now })))
      .execute();
  });
}
