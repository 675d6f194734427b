import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { createUser } from './create-user.ts';
import { makePasswords } from './passwords.ts';
import { updateUser } from './update-user.ts';
import { findUser, listUsers } from './user-store.ts';

const now = new Date('2026-01-01T00:00:00Z');
const passwords = makePasswords({ N: 16, r: 1, p: 1 });

describe('users', () => {
  const database = useTestDatabase();
  beforeEach(async () => {
    await database().db.deleteFrom('users').execute();
  });

  const create = (name: string, systemAdmin = false, displayName?: string) =>
    createUser(database().db, passwords, { id: newId<UserId>(), name, systemAdmin, ...(displayName === undefined ? {} : { displayName }), now });
  const update = (name: string, change: Parameters<typeof updateUser>[2]) => updateUser(database().db, name, change, now);

  it('keeps the last system admin who may sign in', async () => {
    await create('ada', true);
    await create('bob', true);
    await create('eve');
    await update('bob', { disabled: true });
    await expect(update('ada', { systemAdmin: false })).rejects.toMatchObject({ code: 'wrong-state' });
    await expect(update('ada', { disabled: true })).rejects.toMatchObject({ code: 'wrong-state' });
    expect(await findUser(database().db, 'ada')).toMatchObject({ system_admin: true, disabled_at: null });
    await update('ada', { displayName: 'Ada L.', systemAdmin: true });
    await update('eve', { disabled: true });
    await update('bob', { disabled: false });
    await update('ada', { systemAdmin: false });
  });

  it('keeps one when all are taken away at the same time', async () => {
    const names = ['a1', 'a2', 'a3', 'a4'];
    for (const name of names) await create(name, true);
    // Later rounds find every connection open, so that the four really run side by side.
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.allSettled(names.map((name, index) => update(name, index % 2 === 0 ? { systemAdmin: false } : { disabled: true })));
      expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(3);
      expect(await database().db.selectFrom('users').select('name').where('system_admin', '=', true).where('disabled_at', 'is', null).execute()).toHaveLength(
        1,
      );
      for (const name of names) await update(name, { systemAdmin: true, disabled: false });
    }
  });

  it('finds by id and by name in any case; anything else is not found', async () => {
    const ada = await create('Ada');
    expect((await findUser(database().db, ada.id)).name).toBe('Ada');
    expect((await findUser(database().db, 'aDA')).id).toBe(ada.id);
    for (const reference of ['bob', newId(), '', '\u0000', "' or 1=1 --", 'a'.repeat(500)]) {
      await expect(findUser(database().db, reference)).rejects.toMatchObject({ code: 'not-found', params: { thing: 'user' } });
    }
  });

  it('refuses names that are taken, in any case, or look like ids', async () => {
    await create('ada');
    await expect(create('ADA')).rejects.toMatchObject({ code: 'name-taken' });
    await expect(create(newId())).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('changes nothing when asked for nothing', async () => {
    const ada = await create('ada');
    expect(await update('ada', {})).toEqual(ada);
  });

  it('lists by pages, newest first, and searches names and display names literally', async () => {
    for (const name of ['u1', 'u2', 'u3']) await create(name);
    await create('percent', false, '100% 育て');
    const first = await listUsers(database().db, { limit: 3 });
    const second = await listUsers(database().db, { limit: 3, cursor: first.nextCursor ?? '' });
    expect([...first.items, ...second.items].map((user) => user.name)).toEqual(['percent', 'u3', 'u2', 'u1']);
    expect(first.total).toEqual({ count: 4, exact: true });
    expect(second.nextCursor).toBeNull();
    expect((await listUsers(database().db, { limit: 10, text: '0% 育' })).items.map((user) => user.name)).toEqual(['percent']);
    expect((await listUsers(database().db, { limit: 10, text: '%' })).items).toHaveLength(1);
  });
});
