import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { endLinks } from './link-store.ts';
import { endSessions } from './session-store.ts';
import { findUser, type UserRow } from './user-store.ts';

/**
 * Disabling ends the user's sessions and links at once; tokens stop working while it lasts.
 * @throws SodateError `wrong-state` for what would leave no enabled system admin
 */
export async function updateUser(
  db: Database,
  reference: string,
  change: { readonly displayName?: string | undefined; readonly systemAdmin?: boolean | undefined; readonly disabled?: boolean | undefined },
  now: Date,
): Promise<UserRow> {
  const user = await findUser(db, reference);
  const { id, name } = user;
  const values = {
    ...(change.displayName === undefined ? {} : { display_name: change.displayName }),
    ...(change.systemAdmin === undefined ? {} : { system_admin: change.systemAdmin }),
    ...(change.disabled === undefined ? {} : { disabled_at: change.disabled ? sql<Date>`coalesce(disabled_at, ${now})` : null }),
  };
  if (Object.keys(values).length === 0) return user;
  return db.transaction().execute(async (tx) => {
    if (change.systemAdmin === false || change.disabled === true) {
      // Every such change locks the same rows in the same order. Of two that each take away one of the last two, the
      // second waits here and then sees what the first has left.
      const admins = await tx
        .selectFrom('users')
        .select('id')
        .where('system_admin', '=', true)
        .where('disabled_at', 'is', null)
        .orderBy('id')
        .forNoKeyUpdate()
        .execute();
      if (admins.length === 1 && admins[0]?.id === id) {
        throw new SodateError('wrong-state', { thing: 'User', reference: name, state: 'the only system admin who may sign in', needed: 'another one first' });
      }
    }
    const row = await tx.updateTable('users').set(values).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
    if (change.disabled === true) {
      await endSessions(tx, id as UserId, null);
      await endLinks(tx, id as UserId);
    }
    return row;
  });
}
