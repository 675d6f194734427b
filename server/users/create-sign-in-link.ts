import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { type NewLink, replaceLink } from './link-store.ts';
import { findUser } from './user-store.ts';

/** @throws SodateError `wrong-state` for a disabled user */
export async function createSignInLink(db: Database, reference: string, now: Date): Promise<NewLink> {
  const { id, name } = await findUser(db, reference);
  return db.transaction().execute(async (tx) => {
    const user = await tx.selectFrom('users').select('disabled_at').where('id', '=', id).forNoKeyUpdate().executeTakeFirstOrThrow();
    if (user.disabled_at) throw new SodateError('wrong-state', { thing: 'User', reference: name, state: 'disabled', needed: 'an enabled user' });
    return replaceLink(tx, id as UserId, now);
  });
}
