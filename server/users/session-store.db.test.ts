import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { describe, expect, it } from 'vitest';
import { endSession, findSession, SESSIONS_PER_USER_LIMIT, startSession } from './session-store.ts';
import { sweepSignIns } from './sweep-sign-ins.ts';
import { updateUser } from './update-user.ts';
import { insertUser } from './user-store.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const day = (days: number): Date => new Date(START + days * 24 * 3_600_000);

describe('sessions', () => {
  const database = useTestDatabase();
  let counter = 0;

  async function setUp() {
    const { db } = database();
    const user = newId<UserId>();
    const name = `user${(counter += 1)}`;
    await insertUser(db, { id: user, name, displayName: name, systemAdmin: false, passwordHash: null, now: day(0) });
    const start = (now: Date) => db.transaction().execute((tx) => startSession(tx, user, now));
    const expiry = async () => (await db.selectFrom('sessions').select('expires_at').where('user_id', '=', user).executeTakeFirstOrThrow()).expires_at;
    return { db, user, name, start, expiry };
  }

  it('lives 14 days from its last use, written at most once a day', async () => {
    const { db, start, expiry } = await setUp();
    const { secret } = await start(day(0));
    await findSession(db, secret, day(0.9));
    expect(await expiry()).toEqual(day(14));
    await findSession(db, secret, day(1.5));
    expect(await expiry()).toEqual(day(15.5));
    expect(await findSession(db, secret, day(15.4))).not.toBeNull();
    expect(await findSession(db, secret, day(15.4 + 14))).toBeNull();
    expect(await findSession(db, secret, day(15.4 + 13.9))).not.toBeNull();
  });

  it('ends by sign-out and when its user is disabled, and does not come back when the user does', async () => {
    const { db, start, name } = await setUp();
    const [first, second] = [await start(day(0)), await start(day(0))];
    const hash = (await findSession(db, first.secret, day(0)))?.hash;
    if (!hash) throw new Error('no session');
    await endSession(db, hash);
    expect(await findSession(db, first.secret, day(0))).toBeNull();
    expect(await findSession(db, second.secret, day(0))).not.toBeNull();
    await updateUser(db, name, { disabled: true }, day(0));
    expect(await findSession(db, second.secret, day(0))).toBeNull();
    await updateUser(db, name, { disabled: false }, day(0));
    expect(await findSession(db, second.secret, day(0))).toBeNull();
  });

  it('does not open while its user is disabled, even if one was left over', async () => {
    const { db, start, user } = await setUp();
    const { secret } = await start(day(0));
    await db
      .updateTable('users')
      .set({ disabled_at: day(0) })
      .where('id', '=', user)
      .execute();
    expect(await findSession(db, secret, day(0))).toBeNull();
  });

  it('ends the oldest of a user who has too many', async () => {
    const { db, start } = await setUp();
    const first = await start(day(0));
    for (let count = 1; count < SESSIONS_PER_USER_LIMIT; count += 1) await start(day(0.1));
    expect(await findSession(db, first.secret, day(0.2))).not.toBeNull();
    const last = await start(day(0.2));
    expect(await findSession(db, first.secret, day(0.2))).toBeNull();
    expect(await findSession(db, last.secret, day(0.2))).not.toBeNull();
  });

  it('is swept away once it has expired, and not before', async () => {
    const { db, start, user } = await setUp();
    await start(day(0));
    await start(day(1));
    const left = async () => (await db.selectFrom('sessions').select('user_id').where('user_id', '=', user).execute()).length;
    await sweepSignIns(db, day(13.9));
    expect(await left()).toBe(2);
    await sweepSignIns(db, day(14));
    expect(await left()).toBe(1);
  });
});
