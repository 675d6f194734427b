import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import type { TenantId, TokenId, UserId } from '@sodate/contract/ids.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { createToken } from './create-token.ts';
import { deleteToken, endTokensOf, findTokens, listTokens } from './token-store.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (ms: number): Date => new Date(START + ms);
const DAY_MS = 24 * 3_600_000;

describe('tokens', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  const [red, blue] = [newId<TenantId>(), newId<TenantId>()];
  const [mina, bob, ada] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];

  beforeAll(async () => {
    for (const [id, name] of [
      [red, 'red'],
      [blue, 'blue'],
    ] as const)
      await db()
        .insertInto('tenants')
        .values({ id, name, display_name: name, created_at: at(0) })
        .execute();
    for (const [id, name] of [
      [mina, 'mina'],
      [bob, 'bob'],
      [ada, 'ada'],
    ] as const) {
      await db()
        .insertInto('users')
        .values({ id, name, display_name: name, system_admin: name === 'ada', created_at: at(0) })
        .execute();
    }
    for (const user_id of [mina, bob])
      await db()
        .insertInto('memberships')
        .values({ tenant_id: red, user_id, role: 'member', created_at: at(0) })
        .execute();
  });

  const findToken = async (secret: string, now: Date) => (await findTokens(db(), [secret], now))[0];

  const create = (user: UserId, more: { name?: string; tenant?: TenantId; expiresInDays?: number } = {}) =>
    createToken(db(), {
      id: newId<TokenId>(),
      tenant: more.tenant ?? red,
      user,
      name: more.name ?? 'key',
      expiresInDays: more.expiresInDays ?? null,
      now: at(0),
    });

  it('shows its secret once and stores only its hash', async () => {
    const token = await create(mina, { name: 'laptop', expiresInDays: 2 });
    expect(token.secret).toMatch(/^sod_[\w-]{43}$/);
    expect(token).toMatchObject({ name: 'laptop', user: { name: 'mina' }, expiresAt: at(2 * DAY_MS).toISOString(), lastUsedAt: null });
    expect(JSON.stringify(await db().selectFrom('tokens').selectAll().execute())).not.toContain(token.secret);
    expect(JSON.stringify(await listTokens(db(), red, { owner: null, limit: 50 }))).not.toContain(token.secret.slice(4));
    expect(await findToken(token.secret, at(0))).toEqual({
      id: token.id,
      user: mina,
      name: 'mina',
      tenant: red,
      standing: { tenant: { id: red, number: 1, name: 'red' }, role: 'member' },
    });
    expect(await findToken(`${token.secret.slice(0, -1)}_`, at(0))).toBeNull();
  });

  it('ends when it expires', async () => {
    const { secret } = await create(mina, { expiresInDays: 1 });
    expect(await findToken(secret, at(DAY_MS - 1))).not.toBeNull();
    expect(await findToken(secret, at(DAY_MS))).toBeNull();
  });

  it('notes its last use at most once a minute', async () => {
    const { secret, id } = await create(mina);
    const lastUse = async () => (await db().selectFrom('tokens').select('last_used_at').where('id', '=', id).executeTakeFirstOrThrow()).last_used_at;
    await findToken(secret, at(1000));
    expect(await lastUse()).toEqual(at(1000));
    await findToken(secret, at(60_999));
    expect(await lastUse()).toEqual(at(1000));
    await Promise.all([1, 2, 3].map(() => findToken(secret, at(61_000))));
    expect(await lastUse()).toEqual(at(61_000));
  });

  it('rests while its user is disabled', async () => {
    const { secret } = await create(bob);
    await db()
      .updateTable('users')
      .set({ disabled_at: at(0) })
      .where('id', '=', bob)
      .execute();
    expect(await findToken(secret, at(0))).toBeNull();
    await db().updateTable('users').set({ disabled_at: null }).where('id', '=', bob).execute();
    expect(await findToken(secret, at(0))).not.toBeNull();
  });

  it('is listed and ended by its owner, and by others only when they may', async () => {
    const [mine, theirs] = [await create(mina), await create(bob)];
    const names = async (owner: UserId | null, tenant = red) => (await listTokens(db(), tenant, { owner, limit: 100 })).items.map((item) => item.id);
    expect(await names(mina)).toContain(mine.id);
    expect(await names(mina)).not.toContain(theirs.id);
    expect(await names(null)).toEqual(expect.arrayContaining([mine.id, theirs.id]));
    expect(await names(null, blue)).toEqual([]);
    expect(await deleteToken(db(), red, theirs.id, mina)).toBe(false);
    expect(await deleteToken(db(), blue, theirs.id, null)).toBe(false);
    expect(await findToken(theirs.secret, at(0))).not.toBeNull();
    expect(await deleteToken(db(), red, theirs.id, null)).toBe(true);
    expect(await findToken(theirs.secret, at(0))).toBeNull();
    expect(await deleteToken(db(), red, mine.id, mina)).toBe(true);
  });

  it('is made only where its user works; a system admin works everywhere', async () => {
    await expect(create(mina, { tenant: blue })).rejects.toMatchObject({ code: 'not-found' });
    await expect(create(ada, { tenant: newId<TenantId>() })).rejects.toMatchObject({ code: 'not-found' });
    expect(await create(ada, { tenant: blue })).toMatchObject({ user: { name: 'ada' } });
  });

  it('does not outlive a membership that is ended while it is made', async () => {
    const carol = newId<UserId>();
    await db()
      .insertInto('users')
      .values({ id: carol, name: 'carol', display_name: 'carol', created_at: at(0) })
      .execute();
    for (let round = 0; round < 20; round += 1) {
      await db()
        .insertInto('memberships')
        .values({ tenant_id: red, user_id: carol, role: 'member', created_at: at(0) })
        .execute();
      const leave = db()
        .transaction()
        .execute(async (tx) => {
          await tx.deleteFrom('memberships').where('user_id', '=', carol).execute();
          await endTokensOf(tx, red, carol);
        });
      await Promise.all([leave, ...[1, 2, 3].map(() => create(carol).catch((error: unknown) => expect(error).toMatchObject({ code: 'not-found' })))]);
      expect(await listTokens(db(), red, { owner: carol, limit: 10 })).toMatchObject({ items: [] });
    }
  });
});
