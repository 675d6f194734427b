import { cloneTestDatabase, type TestDatabase } from '#kit/db/test-database.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureFirstAdmin } from './ensure-first-admin.ts';
import { makePasswords } from './passwords.ts';
import { makeSignIn } from './sign-in.ts';
import { makeSignInThrottle } from './sign-in-throttle.ts';
import { updateUser } from './update-user.ts';

const now = new Date('2026-01-01T00:00:00Z');
const passwords = makePasswords({ N: 16, r: 1, p: 1 });

describe('ensureFirstAdmin', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await cloneTestDatabase();
  });
  afterEach(() => database.close());

  const start = (adminPassword: string | null) => ensureFirstAdmin(database.db, passwords, { adminPassword, now });
  const signIn = () => makeSignIn({ db: database.db, clock: { now: () => now, sleep: async () => {} }, passwords, throttle: makeSignInThrottle() });
  const users = () => database.db.selectFrom('users').select(['name', 'system_admin']).execute();

  it('makes admin with the given password, once', async () => {
    expect(await start('first-password')).toBeNull();
    expect(await users()).toEqual([{ name: 'admin', system_admin: true }]);
    expect(await start('second-password')).toBeNull();
    await signIn().byPassword({ name: 'admin', password: 'first-password', address: 'a' });
    await expect(signIn().byPassword({ name: 'admin', password: 'second-password', address: 'a' })).rejects.toMatchObject({ code: 'bad-credentials' });
  });

  it('refuses a password that is too short, and makes nobody', async () => {
    await expect(start('short')).rejects.toMatchObject({ code: 'invalid-request' });
    expect(await users()).toEqual([]);
  });

  it('gives out a link at each start until one is used; the newest works', async () => {
    const first = await start(null);
    const second = await start('ignored: the user exists');
    expect(first?.name).toBe('admin');
    expect(second?.secret).not.toBe(first?.secret);
    await expect(signIn().byLink({ secret: first?.secret ?? '', password: 'correct horse' })).rejects.toMatchObject({ code: 'link-not-valid' });
    await signIn().byLink({ secret: second?.secret ?? '', password: 'correct horse' });
    expect(await start(null)).toBeNull();
    expect(await users()).toHaveLength(1);
  });

  it('lets somebody in again when the only admin with a password was disabled by one without', async () => {
    await start('first-password');
    await database.db
      .insertInto('users')
      .values({ id: '01900000-0000-7000-8000-000000000001', name: 'second', display_name: 'second', system_admin: true, created_at: now })
      .execute();
    await updateUser(database.db, 'admin', { disabled: true }, now);
    expect(await start(null)).toMatchObject({ name: 'second' });
  });

  it('makes one user when several servers start at once', async () => {
    await Promise.all([1, 2, 3, 4, 5].map(() => start(null)));
    expect(await users()).toHaveLength(1);
    expect(await database.db.selectFrom('sign_in_links').select('user_id').execute()).toHaveLength(1);
  });
});
