import { useTestDatabase } from '#kit/db/test-database.ts';
import type { Access, Caller } from '#kit/http/access.ts';
import { newId } from '#kit/ids.ts';
import { createTenant, putMember, removeMember } from '#tenants/tenants.ts';
import { createToken } from '#tokens/tokens.ts';
import { createUser, makePasswords, makeSignIn, makeSignInThrottle, updateUser } from '#users/users.ts';
import type { AttemptId, RunId, TenantId, TokenId, UserId } from '@sodate/contract/ids.ts';
import type { Role } from '@sodate/contract/tenants.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeAccess } from './access.ts';

const now = new Date('2026-01-01T00:00:00Z');
const clock = { now: () => now, sleep: async () => {} };
const passwords = makePasswords({ N: 16, r: 1, p: 1 });
const PASSWORD = 'correct horse';
const notSignedIn = { code: 'not-signed-in' };
const notFound = { code: 'not-found', params: { thing: 'tenant' } };

describe('access', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  const [red, blue] = [newId<TenantId>(), newId<TenantId>()];
  const people: Record<string, UserId> = {};
  const attempt = { attempt: newId<AttemptId>(), run: newId<RunId>(), tenant: red };
  let access: Access;

  const person = (name: string): UserId =>
    people[name] ??
    (() => {
      throw new Error(name);
    })();

  beforeAll(async () => {
    for (const [id, name] of [
      [red, 'red'],
      [blue, 'blue'],
    ] as const)
      await createTenant(db(), { id, name, now });
    for (const name of ['ada', 'boss', 'mina', 'view', 'gone', 'off']) {
      people[name] = newId<UserId>();
      await createUser(db(), passwords, { id: person(name), name, systemAdmin: name === 'ada', password: PASSWORD, now });
    }
    const roles: readonly [string, Role][] = [
      ['boss', 'admin'],
      ['mina', 'member'],
      ['view', 'viewer'],
      ['gone', 'member'],
      ['off', 'member'],
    ];
    for (const [name, role] of roles) await putMember(db(), { tenant: red, user: person(name), role, now });
    access = makeAccess({
      db: db(),
      clock,
      verifyAttempt: async (token) => (token === 'att_good' ? { ...attempt, user: person('gone'), userName: 'gone' } : null),
    });
  });

  const bearer = (secret: string): Promise<Caller | null> => access.identify({ authorization: `Bearer ${secret}`, sessionCookie: undefined });
  const signIn = async (name: string): Promise<string> =>
    (await makeSignIn({ db: db(), clock, passwords, throttle: makeSignInThrottle() }).byPassword({ name, password: PASSWORD, address: 'a' })).secret;
  const token = (name: string, tenant = red) => createToken(db(), { id: newId<TokenId>(), tenant, user: person(name), name: 'key', expiresInDays: null, now });
  const basic = (id: string, secret: string) =>
    access.identify({ authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`, sessionCookie: undefined });

  it('knows sessions by header and by cookie, tokens by secret and by id and secret, and jobs', async () => {
    const session = await signIn('mina');
    expect(await bearer(session)).toMatchObject({ user: person('mina'), name: 'mina', onlyTenant: null, attempt: null, session: expect.any(Buffer) });
    expect(await access.identify({ authorization: undefined, sessionCookie: session })).toMatchObject({ user: person('mina') });
    const key = await token('mina');
    expect(await bearer(key.secret)).toMatchObject({ user: person('mina'), onlyTenant: red, session: null });
    expect(await basic(key.id, key.secret)).toMatchObject({ user: person('mina'), onlyTenant: red });
    expect(await basic(key.id.toUpperCase(), key.secret)).toMatchObject({ user: person('mina') });
    expect(await bearer('att_good')).toMatchObject({ onlyTenant: red, systemAdmin: false, attempt: { id: attempt.attempt, run: attempt.run } });
    expect(await access.identify({ authorization: undefined, sessionCookie: undefined })).toBeNull();
  });

  it('refuses what it does not know', async () => {
    const [mine, other] = [await token('mina'), await token('mina')];
    await expect(basic(other.id, mine.secret)).rejects.toMatchObject(notSignedIn);
    await expect(basic(newId(), mine.secret)).rejects.toMatchObject(notSignedIn);
    const unknown = 'A'.repeat(43);
    for (const secret of ['nothing', 'att_bad', `ses_${unknown}`, `sod_${unknown}`, `sod_${(await signIn('mina')).slice(4)}`, `ses_${mine.secret.slice(4)}`]) {
      await expect(bearer(secret)).rejects.toMatchObject(notSignedIn);
    }
    await expect(access.identify({ authorization: undefined, sessionCookie: 'old' })).rejects.toMatchObject(notSignedIn);
  });

  it('refuses whatever a disabled user presents', async () => {
    const [session, key] = [await signIn('off'), await token('off')];
    await bearer(session);
    await updateUser(db(), 'off', { disabled: true }, now);
    await expect(bearer(session)).rejects.toMatchObject(notSignedIn);
    await expect(bearer(key.secret)).rejects.toMatchObject(notSignedIn);
    await expect(basic(key.id, key.secret)).rejects.toMatchObject(notSignedIn);
  });

  it("ends the tokens of a member who is taken out, at once; a job of theirs keeps its member's rights", async () => {
    const [session, key] = [await signIn('gone'), await token('gone')];
    await removeMember(db(), { tenant: red, user: person('gone'), reference: 'gone' });
    await expect(bearer(key.secret)).rejects.toMatchObject(notSignedIn);
    await expect(access.authorise(await bearer(session), 'tenant-viewer', 'red')).rejects.toMatchObject(notFound);
    await putMember(db(), { tenant: red, user: person('gone'), role: 'member', now });
    await expect(bearer(key.secret)).rejects.toMatchObject(notSignedIn);
    await removeMember(db(), { tenant: red, user: person('gone'), reference: 'gone' });
    const job = await bearer('att_good');
    expect(await access.authorise(job, 'tenant-member', 'red')).toMatchObject({ id: red, role: 'member' });
    await expect(access.authorise(job, 'tenant-admin', 'red')).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(access.authorise(job, 'tenant-viewer', 'blue')).rejects.toMatchObject(notFound);
  });

  it('wants a role or a higher one', async () => {
    const ROUTES = ['tenant-viewer', 'tenant-member', 'tenant-admin'] as const;
    const table = { view: [true, false, false], mina: [true, true, false], boss: [true, true, true], ada: [true, true, true] };
    for (const [name, allowed] of Object.entries(table)) {
      for (const credential of [await signIn(name), (await token(name)).secret]) {
        const caller = await bearer(credential);
        for (const [index, permission] of ROUTES.entries()) {
          const asked = access.authorise(caller, permission, index % 2 === 0 ? 'red' : red);
          if (allowed[index]) expect(await asked).toMatchObject({ id: red, name: 'red', number: expect.any(Number) });
          else await expect(asked).rejects.toMatchObject({ code: 'not-allowed', params: { needed: permission.slice('tenant-'.length) } });
        }
      }
    }
  });

  it('hides tenants in which the caller has no part, and answers alike for ones that do not exist', async () => {
    const boss = await bearer(await signIn('boss'));
    for (const reference of ['blue', blue, 'none', newId(), '', '\u0000', '%', '../red', 'RED'])
      await expect(access.authorise(boss, 'tenant-viewer', reference)).rejects.toMatchObject(notFound);
    await expect(access.authorise(boss, 'tenant-viewer', undefined)).rejects.toMatchObject(notFound);
    const ada = await bearer((await token('ada', blue)).secret);
    expect(await access.authorise(ada, 'tenant-admin', 'blue')).toMatchObject({ id: blue, role: 'admin' });
    await expect(access.authorise(ada, 'tenant-viewer', 'red')).rejects.toMatchObject(notFound);
  });

  it('lets only signed-in system admins administer, never their tokens', async () => {
    expect(await access.authorise(await bearer(await signIn('ada')), 'system-admin', undefined)).toBeNull();
    for (const caller of [await bearer(await signIn('boss')), await bearer((await token('ada')).secret), await bearer('att_good')]) {
      await expect(access.authorise(caller, 'system-admin', undefined)).rejects.toMatchObject({ code: 'not-allowed' });
    }
  });

  it('lets nobody in who is not signed in, except where anyone may', async () => {
    expect(await access.authorise(null, 'anyone', undefined)).toBeNull();
    for (const permission of ['signed-in', 'system-admin', 'tenant-viewer', 'tenant-member', 'tenant-admin'] as const) {
      await expect(access.authorise(null, permission, 'red')).rejects.toMatchObject(notSignedIn);
    }
  });

  it('honours a change of rights with the next request', async () => {
    const secret = await signIn('ada');
    await updateUser(db(), 'boss', { systemAdmin: true }, now);
    await updateUser(db(), 'ada', { systemAdmin: false }, now);
    const ada = await bearer(secret);
    await expect(access.authorise(ada, 'system-admin', undefined)).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(access.authorise(ada, 'tenant-viewer', 'red')).rejects.toMatchObject(notFound);
    await updateUser(db(), 'ada', { systemAdmin: true }, now);
    await updateUser(db(), 'boss', { systemAdmin: false }, now);
  });
});
