import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { Password } from '@sodate/contract/names.ts';
import { sql } from 'kysely';
import { type NewLink, replaceLink } from './link-store.ts';
import type { Passwords } from './passwords.ts';
import { insertUser } from './user-store.ts';

const FIRST_ADMIN_NAME = 'admin';
/** Of servers that start on one new database at the same time, one makes the user. */
const FIRST_ADMIN_LOCK = 7_363_002;

export interface FirstSignIn extends NewLink {
  readonly name: string;
}

/**
 * At the very first start, makes the system admin `admin`; later starts never change a user. As long as no enabled system
 * admin has a password, nobody can let anybody in: each start then gives out a new link, and the one before ends.
 * @returns the link to print, or null when somebody can sign in
 * @throws SodateError `invalid-request` when the password is too short to be one
 */
export async function ensureFirstAdmin(
  db: Database,
  passwords: Passwords,
  ask: { readonly adminPassword: string | null; readonly now: Date },
): Promise<FirstSignIn | null> {
  const passwordHash = ask.adminPassword === null || (await hasUsers(db)) ? null : await passwords.hash(parsePassword(ask.adminPassword));
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${FIRST_ADMIN_LOCK})`.execute(tx);
    if (!(await hasUsers(tx))) {
      await insertUser(tx, { id: newId<UserId>(), name: FIRST_ADMIN_NAME, displayName: FIRST_ADMIN_NAME, systemAdmin: true, passwordHash, now: ask.now });
    }
    const admins = await tx
      .selectFrom('users')
      .select(['id', 'name', sql<boolean>`password_hash is not null`.as('has_password')])
      .where('system_admin', '=', true)
      .where('disabled_at', 'is', null)
      .orderBy('id')
      .forNoKeyUpdate()
      .execute();
    const [first] = admins;
    if (!first || admins.some((admin) => admin.has_password)) return null;
    return { name: first.name, ...(await replaceLink(tx, first.id as UserId, ask.now)) };
  });
}

const hasUsers = async (db: Database): Promise<boolean> => (await db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;

function parsePassword(text: string): string {
  const parsed = Password.safeParse(text);
  if (!parsed.success) throw new SodateError('invalid-request', { details: 'SODATE_ADMIN_PASSWORD: must have 8 to 1,024 characters' });
  return parsed.data;
}
