import { isUniqueViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { boundedTotal, containing, cutPage, decodeCursor } from '#kit/db/page.ts';
import type { Users } from '#kit/db/tables.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { UserId } from '@sodate/contract/ids.ts';
import { UserName } from '@sodate/contract/names.ts';
import type { User } from '@sodate/contract/users.ts';
import { type Selectable, sql } from 'kysely';

export type UserRow = Selectable<Users>;

export const userNotFound = (reference: string): SodateError => new SodateError('not-found', { thing: 'user', reference });

export const toUser = (row: UserRow): User => ({
  id: row.id,
  number: row.number,
  name: row.name,
  displayName: row.display_name,
  systemAdmin: row.system_admin,
  disabled: row.disabled_at !== null,
  hasPassword: row.password_hash !== null,
  createdAt: row.created_at.toISOString(),
});

/** Names differ by more than case, so case does not matter here either. */
export async function findUserByName(db: Database, name: string): Promise<UserRow | undefined> {
  return db
    .selectFrom('users')
    .selectAll()
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .executeTakeFirst();
}

/** @throws SodateError `not-found` */
export async function findUser(db: Database, reference: string): Promise<UserRow> {
  const id = UserId.safeParse(reference);
  if (id.success) {
    const row = await db.selectFrom('users').selectAll().where('id', '=', id.data).executeTakeFirst();
    if (row) return row;
  } else if (UserName.safeParse(reference).success) {
    const row = await findUserByName(db, reference);
    if (row) return row;
  }
  throw userNotFound(reference);
}

export interface NewUser {
  readonly id: UserId;
  readonly name: string;
  readonly displayName: string;
  readonly systemAdmin: boolean;
  readonly passwordHash: string | null;
  readonly now: Date;
}

/** @throws SodateError `name-taken` */
export async function insertUser(db: Database, user: NewUser): Promise<UserRow> {
  try {
    return await db
      .insertInto('users')
      .values({
        id: user.id,
        name: user.name,
        display_name: user.displayName,
        system_admin: user.systemAdmin,
        password_hash: user.passwordHash,
        created_at: user.now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  } catch (error) {
    if (isUniqueViolation(error, 'users_name')) throw new SodateError('name-taken', { thing: 'user', name: user.name }, { cause: error });
    throw error;
  }
}

export async function listUsers(
  db: Database,
  ask: { readonly limit: number; readonly cursor?: string | undefined; readonly text?: string | undefined },
): Promise<{ items: User[]; nextCursor: string | null; total: { count: number; exact: boolean } }> {
  let matching = db.selectFrom('users');
  if (ask.text !== undefined) matching = matching.where(sql`name || ' ' || display_name`, 'ilike', containing(ask.text));
  const key = decodeCursor(ask.cursor);
  let page = matching
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(ask.limit + 1);
  if (key) page = page.where(sql<boolean>`(created_at, id) < (${key.at}, ${key.id})`);
  const [rows, total] = await Promise.all([page.execute(), boundedTotal(matching)]);
  const cut = cutPage(rows, ask.limit);
  return { items: cut.rows.map(toUser), nextCursor: cut.nextCursor, total };
}

/** What users change about themselves. */
export async function updateProfile(
  db: Database,
  id: UserId,
  change: { readonly displayName?: string | undefined; readonly language?: 'en' | 'ja' | null | undefined },
): Promise<void> {
  const values = {
    ...(change.displayName === undefined ? {} : { display_name: change.displayName }),
    ...(change.language === undefined ? {} : { language: change.language }),
  };
  if (Object.keys(values).length > 0) await db.updateTable('users').set(values).where('id', '=', id).execute();
}
