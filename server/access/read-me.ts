import type { Database } from '#kit/db/open-database.ts';
import type { Caller } from '#kit/http/access.ts';
import { listWorkplaces } from '#tenants/tenants.ts';
import { findUser } from '#users/users.ts';
import { Language, type Me } from '@sodate/contract/session.ts';

/** The person behind a request and where this credential lets them work. */
export async function readMe(db: Database, caller: Caller): Promise<Me> {
  const [user, tenants] = await Promise.all([findUser(db, caller.user), listWorkplaces(db, caller)]);
  return {
    id: user.id,
    name: user.name,
    displayName: user.display_name,
    systemAdmin: caller.systemAdmin,
    hasPassword: user.password_hash !== null,
    language: Language.nullable().parse(user.language),
    tenants,
  };
}
