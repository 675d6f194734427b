import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { describe, expect, it } from 'vitest';
import { createSignInLink } from './create-sign-in-link.ts';
import { createUser } from './create-user.ts';
import { makePasswords, type Passwords } from './passwords.ts';
import { findSession } from './session-store.ts';
import { makeSignIn } from './sign-in.ts';
import { ACCOUNT_FAILURES_LIMIT, makeSignInThrottle } from './sign-in-throttle.ts';
import { updateUser } from './update-user.ts';

const CHEAP = { N: 16, r: 1, p: 1 };
const HOUR_MS = 3_600_000;
const ADDRESS = '192.0.2.1';

describe('signing in', () => {
  const database = useTestDatabase(16);
  let counter = 0;

  async function setUp(options: { password?: string; passwords?: Passwords } = {}) {
    const { db } = database();
    const time = { now: new Date('2026-01-01T00:00:00.000Z') };
    const clock = { now: () => time.now, sleep: async () => {} };
    const passwords = options.passwords ?? makePasswords(CHEAP);
    const signIn = makeSignIn({ db, clock, passwords, throttle: makeSignInThrottle() });
    const name = `User${(counter += 1)}`;
    const id = newId<UserId>();
    await createUser(db, makePasswords(CHEAP), {
      id,
      name,
      systemAdmin: false,
      ...(options.password === undefined ? {} : { password: options.password }),
      now: time.now,
    });
    const pass = (ms: number): void => void (time.now = new Date(time.now.getTime() + ms));
    const link = async () => (await createSignInLink(db, name, time.now)).secret;
    return { db, time, clock, signIn, name, id, pass, link };
  }

  it('opens a session for the right password, whatever the case of the name', async () => {
    const { db, signIn, name, id, time } = await setUp({ password: 'correct horse' });
    const session = await signIn.byPassword({ name: name.toUpperCase(), password: 'correct horse', address: ADDRESS });
    expect(session.secret).toMatch(/^ses_[\w-]{43}$/);
    expect(session.expiresAt.toISOString()).toBe('2026-01-15T00:00:00.000Z');
    expect(await findSession(db, session.secret, time.now)).toMatchObject({ user: id, name, systemAdmin: false });
    const stored = await db.selectFrom('sessions').selectAll().where('user_id', '=', id).execute();
    expect(JSON.stringify(stored)).not.toContain(session.secret);
  });

  it('answers alike to an unknown user, a wrong password, a user without password and a disabled one, and computes in each case', async () => {
    let computed = 0;
    const counted = makePasswords(CHEAP);
    const passwords: Passwords = { ...counted, verify: (password, stored, admit) => counted.verify(password, stored, () => (admit(), void (computed += 1))) };
    const known = await setUp({ password: 'correct horse', passwords });
    const fresh = await setUp();
    const disabled = await setUp({ password: 'correct horse' });
    await updateUser(disabled.db, disabled.name, { disabled: true }, disabled.time.now);
    const errors: unknown[] = [];
    for (const [name, password] of [
      ['nobody', 'x'],
      [known.name, 'x'],
      [fresh.name, 'x'],
      [disabled.name, 'correct horse'],
    ] as const) {
      await known.signIn.byPassword({ name, password, address: ADDRESS }).catch((error: unknown) => errors.push(error));
    }
    expect(errors).toHaveLength(4);
    expect(new Set(errors.map((error) => JSON.stringify({ ...(error as object), message: String(error) }))).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: 'bad-credentials' });
    expect(computed).toBe(4);
  });

  it('checks no more than ten wrong passwords, even when fifty come at once, and then refuses the right one too', async () => {
    const { signIn, name, pass } = await setUp({ password: 'correct horse' });
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => signIn.byPassword({ name, password: 'wrong', address: ADDRESS })));
    const codes = answers.map((answer) => (answer.status === 'rejected' ? (answer.reason as { code: string }).code : 'passed'));
    expect(codes.filter((code) => code === 'bad-credentials')).toHaveLength(ACCOUNT_FAILURES_LIMIT);
    expect(codes.filter((code) => code === 'too-many-attempts')).toHaveLength(40);
    await expect(signIn.byPassword({ name, password: 'correct horse', address: ADDRESS })).rejects.toMatchObject({
      code: 'too-many-attempts',
      params: { seconds: 900 },
    });
    pass(15 * 60_000);
    await expect(signIn.byPassword({ name, password: 'correct horse', address: ADDRESS })).resolves.toMatchObject({ secret: expect.any(String) });
  });

  it('does not hold many right passwords at once against their user', async () => {
    const { signIn, name } = await setUp({ password: 'correct horse' });
    await Promise.all(Array.from({ length: 40 }, () => signIn.byPassword({ name, password: 'correct horse', address: ADDRESS })));
  });

  it('renews a hash of another cost, also when two sign in at the same time', async () => {
    const { db, signIn, name, id } = await setUp({ password: 'correct horse', passwords: makePasswords({ N: 32, r: 1, p: 1 }) });
    await Promise.all([1, 2, 3].map(() => signIn.byPassword({ name, password: 'correct horse', address: ADDRESS })));
    expect((await db.selectFrom('users').select('password_hash').where('id', '=', id).executeTakeFirstOrThrow()).password_hash).toMatch(/^scrypt\$32\$/);
    await signIn.byPassword({ name, password: 'correct horse', address: ADDRESS });
  });

  it("lets one of many redeem a link, and sets that one's password", async () => {
    const { signIn, name, link } = await setUp();
    const secret = await link();
    const answers = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => signIn.byLink({ secret, password: `password-${index}` })));
    const winners = answers.flatMap((answer, index) => (answer.status === 'fulfilled' ? [index] : []));
    expect(winners).toHaveLength(1);
    for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'link-not-valid' });
    await signIn.byPassword({ name, password: `password-${winners[0]}`, address: ADDRESS });
  });

  it('ends every session of the user whose password a link resets', async () => {
    const { db, signIn, name, link, time } = await setUp({ password: 'correct horse' });
    const before = await signIn.byPassword({ name, password: 'correct horse', address: ADDRESS });
    const after = await signIn.byLink({ secret: await link(), password: 'battery staple' });
    expect(await findSession(db, before.secret, time.now)).toBeNull();
    expect(await findSession(db, after.secret, time.now)).not.toBeNull();
  });

  it('never deadlocks or loses a link when new ones are made while others are redeemed', async () => {
    const { signIn, link } = await setUp();
    const secrets = [await link()];
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        if (index % 2 === 0) secrets.push(await link());
        else
          await signIn
            .byLink({ secret: secrets.at(-1) ?? '', password: 'correct horse' })
            .catch((error: unknown) => expect(error).toMatchObject({ code: 'link-not-valid' }));
      }),
    );
    await signIn.byLink({ secret: await link(), password: 'correct horse' });
  });

  it('refuses links that are old, replaced, of a disabled user, or no links', async () => {
    const { db, signIn, name, link, pass, time } = await setUp();
    const password = 'correct horse';
    const replaced = await link();
    const old = await link();
    await expect(signIn.byLink({ secret: replaced, password })).rejects.toMatchObject({ code: 'link-not-valid' });
    pass(24 * HOUR_MS);
    await expect(signIn.byLink({ secret: old, password })).rejects.toMatchObject({ code: 'link-not-valid' });
    const disabled = await link();
    await updateUser(db, name, { disabled: true }, time.now);
    await expect(signIn.byLink({ secret: disabled, password })).rejects.toMatchObject({ code: 'link-not-valid' });
    await expect(link()).rejects.toMatchObject({ code: 'wrong-state' });
    for (const secret of ['', 'lnk_', 'nothing', `lnk_${'A'.repeat(43)}`, '\u0000'])
      await expect(signIn.byLink({ secret, password })).rejects.toMatchObject({ code: 'link-not-valid' });
  });

  it('ends all other sessions and open links with a password change, and demands the present password', async () => {
    const { db, signIn, name, link, time } = await setUp({ password: 'correct horse' });
    const ask = { name, password: 'correct horse', address: ADDRESS };
    const [mine, other] = [await signIn.byPassword(ask), await signIn.byPassword(ask)];
    const open = await link();
    const session = (await findSession(db, mine.secret, time.now))?.hash ?? null;
    const change = { name, next: 'battery staple', session, address: ADDRESS };
    await expect(signIn.changePassword({ ...change, current: 'wrong' })).rejects.toMatchObject({ code: 'bad-credentials' });
    expect(await findSession(db, other.secret, time.now)).not.toBeNull();
    await signIn.changePassword({ ...change, current: 'correct horse' });
    expect(await findSession(db, mine.secret, time.now)).not.toBeNull();
    expect(await findSession(db, other.secret, time.now)).toBeNull();
    await expect(signIn.byLink({ secret: open, password: 'intruder123' })).rejects.toMatchObject({ code: 'link-not-valid' });
    await expect(signIn.byPassword(ask)).rejects.toMatchObject({ code: 'bad-credentials' });
  });

  it('starts no session for a password that is changed while it is being checked', async () => {
    const { db, name, clock, id } = await setUp({ password: 'correct horse' });
    const real = makePasswords(CHEAP);
    const signIn = makeSignIn({
      db,
      clock,
      throttle: makeSignInThrottle(),
      passwords: {
        ...real,
        verify: async (...ask) => {
          const right = await real.verify(...ask);
          await db
            .updateTable('users')
            .set({ password_hash: await real.hash('changed meanwhile') })
            .where('id', '=', id)
            .execute();
          return right;
        },
      },
    });
    await expect(signIn.byPassword({ name, password: 'correct horse', address: ADDRESS })).rejects.toMatchObject({ code: 'bad-credentials' });
    expect(await db.selectFrom('sessions').selectAll().where('user_id', '=', id).execute()).toEqual([]);
  });
});
