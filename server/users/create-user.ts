import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { UserId } from '@sodate/contract/ids.ts';
import type { Passwords } from './passwords.ts';
import { insertUser, type UserRow } from './user-store.ts';

/** @throws SodateError `name-taken`; `invalid-request` for a name that would be read as an id */
export async function createUser(
  db: Database,
  passwords: Passwords,
  ask: {
    readonly id: UserId;
    readonly name: string;
    readonly displayName?: string | undefined;
    readonly systemAdmin: boolean;
    readonly password?: string | undefined;
    readonly now: Date;
  },
): Promise<UserRow> {
  if (UserId.safeParse(ask.name).success) throw new SodateError('invalid-request', { details: 'body.name: must not have the form of an id' });
  const passwordHash = ask.password === undefined ? null : await passwords.hash(ask.password);
  return insertUser(db, { id: ask.id, name: ask.name, displayName: ask.displayName ?? ask.name, systemAdmin: ask.systemAdmin, passwordHash, now: ask.now });
}
