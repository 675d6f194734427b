import { useTestDatabase } from '#kit/db/test-database.ts';
import type { Caller } from '#kit/http/access.ts';
import { newId } from '#kit/ids.ts';
import type { AttemptId, RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { Role } from '@sodate/contract/tenants.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { createTenant } from './create-tenant.ts';
import { deleteTenant } from './delete-tenant.ts';
import { listMembers, putMember } from './member-store.ts';
import { removeMember } from './remove-member.ts';
import { findStanding, findTenant, listTenants, listWorkplaces, updateTenant } from './tenant-store.ts';

const now = new Date('2026-01-01T00:00:00Z');

describe('tenants', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  beforeEach(async () => {
    await db().deleteFrom('runs').execute();
    await db().deleteFrom('data').execute();
    await db().deleteFrom('blobs').execute();
    await db().deleteFrom('tenants').execute();
    await db().deleteFrom('users').execute();
  });

  const tenant = async (name: string): Promise<TenantId> => (await createTenant(db(), { id: newId<TenantId>(), name, now })).id as TenantId;
  const user = async (name: string, systemAdmin = false): Promise<UserId> => {
    const id = newId<UserId>();
    await db().insertInto('users').values({ id, name, display_name: name, system_admin: systemAdmin, created_at: now }).execute();
    return id;
  };
  const join = (where: TenantId, who: UserId, role: Role) => putMember(db(), { tenant: where, user: who, role, now });
  const caller = (id: UserId, more: Partial<Caller> = {}): Caller => ({
    user: id,
    name: 'x',
    systemAdmin: false,
    onlyTenant: null,
    attempt: null,
    session: null,
    token: null,
    ...more,
  });
  const seen = async (who: Caller): Promise<string[]> => (await listTenants(db(), who, { limit: 50 })).items.map((item) => item.name).toSorted();

  it('shows callers the tenants in which they may work, and no others', async () => {
    const [red, blue, green] = [await tenant('red'), await tenant('blue'), await tenant('green')];
    const [ada, mina, stranger] = [await user('ada', true), await user('mina'), await user('stranger')];
    await join(red, mina, 'viewer');
    await join(blue, mina, 'admin');
    expect(await seen(caller(ada, { systemAdmin: true }))).toEqual(['blue', 'green', 'red']);
    expect(await seen(caller(mina))).toEqual(['blue', 'red']);
    expect(await seen(caller(stranger))).toEqual([]);
    expect(await seen(caller(mina, { onlyTenant: red }))).toEqual(['red']);
    expect(await seen(caller(mina, { onlyTenant: green }))).toEqual([]);
    expect(await seen(caller(ada, { onlyTenant: green }))).toEqual(['green']);
    expect(await seen(caller(stranger, { onlyTenant: green, attempt: { id: newId<AttemptId>(), run: newId<RunId>() } }))).toEqual(['green']);
    expect(await listWorkplaces(db(), caller(mina))).toMatchObject([
      { name: 'blue', role: 'admin' },
      { name: 'red', role: 'viewer' },
    ]);
    expect((await listWorkplaces(db(), caller(ada))).map((place) => place.role)).toEqual(['admin', 'admin', 'admin']);
  });

  it('pages and searches only within what the caller may see', async () => {
    const mina = await user('mina');
    for (const name of ['t1', 't2', 't3', 'hidden-t']) {
      const id = await tenant(name);
      if (name !== 'hidden-t') await join(id, mina, 'member');
    }
    const first = await listTenants(db(), caller(mina), { limit: 2, text: 't' });
    const second = await listTenants(db(), caller(mina), { limit: 2, text: 't', cursor: first.nextCursor ?? '' });
    expect([...first.items, ...second.items].map((item) => item.name)).toEqual(['t3', 't2', 't1']);
    expect(first.total).toEqual({ count: 3, exact: true });
  });

  it('says what a user is in a tenant, and nothing for references that are none', async () => {
    const red = await tenant('red');
    const [ada, mina, stranger] = [await user('ada', true), await user('mina'), await user('stranger')];
    await join(red, mina, 'viewer');
    await join(red, ada, 'viewer');
    expect(await findStanding(db(), mina, 'red')).toMatchObject({ tenant: { id: red }, role: 'viewer' });
    expect(await findStanding(db(), mina, red.toUpperCase())).toMatchObject({ tenant: { id: red }, role: 'viewer' });
    expect(await findStanding(db(), ada, 'red')).toMatchObject({ role: 'admin' });
    expect(await findStanding(db(), stranger, 'red')).toMatchObject({ role: null });
    for (const reference of ['', 'blue', 'RED', newId(), '\u0000', '../red', "red' or '1'='1", 'r'.repeat(1000)]) {
      expect(await findStanding(db(), ada, reference)).toBeNull();
      await expect(findTenant(db(), reference)).rejects.toMatchObject({ code: 'not-found', params: { thing: 'tenant' } });
    }
  });

  it('refuses names that are taken or look like ids, and gives one tenant to two tries under one id', async () => {
    await tenant('red');
    await expect(tenant('red')).rejects.toMatchObject({ code: 'name-taken', params: { thing: 'tenant', name: 'red' } });
    await expect(tenant('a0000000-0000-4000-8000-000000000000')).rejects.toMatchObject({ code: 'invalid-request' });
    const id = newId<TenantId>();
    const made = await Promise.all([1, 2, 3].map(() => createTenant(db(), { id, name: 'blue', now })));
    expect(made.map((row) => row.id)).toEqual([id, id, id]);
  });

  it('changes what is asked and keeps the rest', async () => {
    await tenant('red');
    expect(await updateTenant(db(), 'red', { quota: { cpu: 1.5, memory: 2e9, gpus: 1 } })).toMatchObject({
      display_name: 'red',
      quota_cpu_milli: 1500,
      quota_memory_bytes: 2e9,
      quota_gpus: 1,
    });
    expect(await updateTenant(db(), 'red', { displayName: '赤' })).toMatchObject({ display_name: '赤', quota_cpu_milli: 1500 });
    expect(await updateTenant(db(), 'red', { executors: ['docker'], dropCapabilities: true })).toMatchObject({
      executors: ['docker'],
      drop_capabilities: true,
    });
    expect(await updateTenant(db(), 'red', { executors: null })).toMatchObject({ executors: null, drop_capabilities: true });
    expect(await updateTenant(db(), 'red', {})).toMatchObject({ display_name: '赤' });
  });

  it('is deleted only when it holds nothing, and says what it holds', async () => {
    const [red, mina] = [await tenant('red'), await user('mina')];
    await join(red, mina, 'admin');
    await db().insertInto('blobs').values({ tenant_id: red, id: newId(), digest: 'd', size: 1, created_at: now }).execute();
    await expect(deleteTenant(db(), 'red')).rejects.toMatchObject({
      code: 'tenant-not-empty',
      params: { name: 'red', holds: expect.stringContaining('1 stored file') },
    });
    for (const name of ['a', 'b'])
      await db().insertInto('data').values({ tenant_id: red, id: newId(), name, memo: '', tags: [], created_by: mina, created_at: now }).execute();
    await expect(deleteTenant(db(), 'red')).rejects.toMatchObject({ code: 'tenant-not-empty', params: { holds: '2 data' } });
    expect(await listMembers(db(), red, { limit: 10 })).toMatchObject({ total: { count: 1 } });
    await db().deleteFrom('data').execute();
    await db().deleteFrom('blobs').execute();
    await deleteTenant(db(), 'red');
    await expect(deleteTenant(db(), 'red')).rejects.toMatchObject({ code: 'not-found' });
    await expect(join(red, mina, 'member')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('lists members, changes roles, and takes people out', async () => {
    const red = await tenant('red');
    const [mina, bob] = [await user('mina'), await user('bob')];
    expect(await join(red, mina, 'viewer')).toBe(true);
    expect(await join(red, mina, 'admin')).toBe(false);
    await join(red, bob, 'member');
    const first = await listMembers(db(), red, { limit: 1 });
    const second = await listMembers(db(), red, { limit: 1, cursor: first.nextCursor ?? '' });
    expect([...first.items, ...second.items].map((member) => [member.user.name, member.role])).toEqual([
      ['bob', 'member'],
      ['mina', 'admin'],
    ]);
    await removeMember(db(), { tenant: red, user: bob, reference: 'bob' });
    await expect(removeMember(db(), { tenant: red, user: bob, reference: 'bob' })).rejects.toMatchObject({ code: 'not-found', params: { thing: 'member' } });
    expect((await listMembers(db(), red, { limit: 10 })).total.count).toBe(1);
  });
});
