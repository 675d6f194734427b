import { Secret } from '#config/secret.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { loadCredentials, openCredential, putCredential, removeCredential } from '#registries/credential-store.ts';
import { findRegistryCredential } from '#registries/registries.ts';
import { insertRegistry, loadRegistries, loadRegistry, removeRegistry, updateRegistryRow } from '#registries/registry-store.ts';
import type { RegistryId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';

const database = useTestDatabase();
const db = () => database().db;
const sealed = makeSealedSecrets(randomBytes(32));
const [red, blue] = [newId<TenantId>(), newId<TenantId>()];
const user = newId<UserId>();
const HOST = 'registry.example:5000';
const PASSWORD = 'correct horse battery staple';
const now = new Date('2026-01-01T00:00:00Z');

const put = (tenant: TenantId, host: string, userName = 'anna', password = PASSWORD, at = now) =>
  putCredential(db(), sealed, { tenant, host, userName, password: new Secret(password), now: at });
const open = async (tenant: TenantId, host: string): Promise<string | undefined> => (await openCredential(db(), sealed, tenant, host))?.password.reveal();
const insert = (name: string, address: string) =>
  insertRegistry(db(), { id: newId<RegistryId>(), name, address, insecure: false, tokenHosts: ['auth.example'], now });

beforeAll(async () => {
  await db()
    .insertInto('tenants')
    .values([red, blue].map((id) => ({ id, name: `t-${id}`, display_name: 't', created_at: now })))
    .execute();
  await db().insertInto('users').values({ id: user, name: 'u', display_name: 'u', created_at: now }).execute();
});

describe('passwords at rest', () => {
  it('are nowhere in the row, and nowhere in the database', async () => {
    await put(red, HOST);
    const { rows } = await sql<{ text: string; bytes: Buffer }>`select r::text as text, password_sealed as bytes from registry_credentials r`.execute(db());
    expect(rows).toHaveLength(1);
    for (const shown of [PASSWORD, Buffer.from(PASSWORD).toString('hex'), btoa(PASSWORD).replaceAll('=', '')]) expect(rows[0]?.text).not.toContain(shown);
    expect(rows[0]?.bytes.includes(PASSWORD)).toBe(false);
    expect(await open(red, HOST)).toBe(PASSWORD);
  });

  it('open in their own row only', async () => {
    await put(red, HOST);
    await put(blue, HOST, 'anna', 'the password of blue');
    await put(red, 'other.example', 'anna', 'another password');
    const copy = async (from: { tenant: TenantId; host: string }, to: { tenant: TenantId; host: string }): Promise<void> => {
      await sql`update registry_credentials set password_sealed =
        (select password_sealed from registry_credentials where tenant_id = ${from.tenant} and host = ${from.host})
        where tenant_id = ${to.tenant} and host = ${to.host}`.execute(db());
    };
    for (const to of [
      { tenant: blue, host: HOST },
      { tenant: red, host: 'other.example' },
    ]) {
      await copy({ tenant: red, host: HOST }, to);
      await expect(open(to.tenant, to.host)).rejects.toMatchObject({ code: 'secret-unreadable', message: expect.stringContaining(to.host) });
    }
    expect(await open(red, HOST)).toBe(PASSWORD);
  });

  it('do not follow a row that was changed by hand to another host, tenant or user name', async () => {
    for (const change of [{ host: 'attacker.example' }, { tenant_id: blue }, { user_name: 'root' }]) {
      await db().deleteFrom('registry_credentials').execute();
      await put(red, HOST);
      await db().updateTable('registry_credentials').set(change).execute();
      const { tenant_id, host } = await db().selectFrom('registry_credentials').select(['tenant_id', 'host']).executeTakeFirstOrThrow();
      await expect(open(tenant_id as TenantId, host), JSON.stringify(change)).rejects.toMatchObject({ code: 'secret-unreadable' });
    }
    await db().deleteFrom('registry_credentials').execute();
  });

  it('say so under another key, and can be set again', async () => {
    await put(red, HOST);
    const other = makeSealedSecrets(randomBytes(32));
    await expect(findRegistryCredential(db(), other, red, `${HOST}/x`)).rejects.toMatchObject({ code: 'secret-unreadable' });
    await putCredential(db(), other, { tenant: red, host: HOST, userName: 'anna', password: new Secret('new'), now });
    expect((await findRegistryCredential(db(), other, red, `${HOST}/x`))?.password.reveal()).toBe('new');
  });
});

describe('credentials of a tenant', () => {
  it('are replaced under the same id, listed without passwords, and removed once', async () => {
    const first = await put(red, 'a.example', 'anna', 'first');
    const later = new Date(now.getTime() + 1000);
    const second = await put(red, 'a.example', 'bert', 'second', later);
    expect(second).toEqual({ id: first.id, host: 'a.example', userName: 'bert', setAt: later });
    expect(await open(red, 'a.example')).toBe('second');
    expect((await loadCredentials(db(), red)).find(({ host }) => host === 'a.example')).toEqual(second);
    expect((await loadCredentials(db(), blue)).some(({ id }) => id === first.id)).toBe(false);
    await expect(removeCredential(db(), blue, 'a.example')).rejects.toMatchObject({ code: 'not-found' });
    await removeCredential(db(), red, 'a.example');
    await expect(removeCredential(db(), red, 'a.example')).rejects.toMatchObject({ code: 'not-found' });
    expect(await open(red, 'a.example')).toBeUndefined();
  });

  it('are found by the host of an image', async () => {
    await put(red, HOST, 'anna');
    await put(red, 'docker.io', 'hubert');
    await put(blue, 'registry.example', 'bert');
    const found = async (tenant: TenantId, image: string): Promise<unknown> => {
      const credential = await findRegistryCredential(db(), sealed, tenant, image);
      return credential && [credential.registry, credential.userName, credential.password.reveal()];
    };
    expect(await found(red, `${HOST}/team/model:1`)).toEqual([HOST, 'anna', PASSWORD]);
    expect(await found(red, `Registry.EXAMPLE:5000/team/model@sha256:${'0'.repeat(64)}`)).toEqual([HOST, 'anna', PASSWORD]);
    expect(await found(red, 'python:3.12')).toEqual(['docker.io', 'hubert', PASSWORD]);
    expect(await found(red, 'index.docker.io/acme/model')).toEqual(['docker.io', 'hubert', PASSWORD]);
    expect(await found(blue, 'registry.example/model')).toEqual(['registry.example', 'bert', PASSWORD]);
    for (const image of ['host', 'registry.example/model', 'registry.example:5001/model', 'evil.registry.example:5000/model', 'not an image'])
      expect(await found(red, image), image).toBeNull();
    expect(await found(blue, 'python:3.12')).toBeNull();
  });

  it('go away with their tenant', async () => {
    const green = newId<TenantId>();
    await db()
      .insertInto('tenants')
      .values({ id: green, name: `t-${green}`, display_name: 't', created_at: now })
      .execute();
    await put(green, HOST);
    await db().deleteFrom('tenants').where('id', '=', green).execute();
    expect(await loadCredentials(db(), green)).toEqual([]);
  });

  it('are not without end', async () => {
    const green = newId<TenantId>();
    await db()
      .insertInto('tenants')
      .values({ id: green, name: `t-${green}`, display_name: 't', created_at: now })
      .execute();
    for (let at = 0; at < 200; at += 1) await put(green, `r${at}.example`);
    await expect(put(green, 'one-more.example')).rejects.toMatchObject({ code: 'too-many' });
    await put(green, 'r7.example', 'bert');
  });
});

describe('registries', () => {
  it('are found by name and id, and changed, but never in their address', async () => {
    const made = await insert('ours', 'ours.example');
    expect(await loadRegistry(db(), 'ours')).toEqual(made);
    expect(await loadRegistry(db(), made.id)).toEqual(made);
    const changed = await updateRegistryRow(db(), 'ours', { name: 'theirs', insecure: true });
    expect(changed).toEqual({ ...made, name: 'theirs', insecure: true });
    expect(await updateRegistryRow(db(), made.id, { tokenHosts: [] })).toEqual({ ...changed, tokenHosts: [] });
    expect(await updateRegistryRow(db(), made.id, {})).toEqual({ ...changed, tokenHosts: [] });
    await expect(loadRegistry(db(), 'ours')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('have names and addresses of their own', async () => {
    await insert('first', 'first.example');
    const second = await insert('second', 'second.example');
    await expect(insert('first', 'third.example')).rejects.toMatchObject({ code: 'name-taken', params: { name: 'first' } });
    await expect(insert('third', 'first.example')).rejects.toMatchObject({ code: 'name-taken', params: { name: 'first.example' } });
    await expect(updateRegistryRow(db(), second.id, { name: 'first' })).rejects.toMatchObject({ code: 'name-taken' });
  });

  it('take the passwords of all tenants with them', async () => {
    await insert('short-lived', 'short-lived.example');
    for (const tenant of [red, blue]) await put(tenant, 'short-lived.example');
    await put(red, 'elsewhere.example');
    await removeRegistry(db(), 'short-lived');
    expect([await open(red, 'short-lived.example'), await open(blue, 'short-lived.example'), await open(red, 'elsewhere.example')]).toEqual([
      undefined,
      undefined,
      PASSWORD,
    ]);
    expect((await loadRegistries(db())).some(({ name }) => name === 'short-lived')).toBe(false);
    await expect(removeRegistry(db(), 'short-lived')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('stay while a run that has not ended needs them', async () => {
    await insert('busy', 'busy.example');
    await put(red, 'busy.example');
    const run = newId<string>();
    await db()
      .insertInto('runs')
      .values({
        tenant_id: red,
        id: run,
        kind: 'task',
        number: 1,
        name: 'r',
        memo: '',
        tags: [],
        state: 'queued',
        request: '{}',
        warnings: '[]',
        image: 'BUSY.example/team/model:1',
        cpu_milli: 1,
        memory_bytes: 1,
        gpus: 0,
        priority: 0,
        shape: 's',
        retries: '{}',
        created_by: user,
        created_at: now,
        queued_at: now,
        due_at: now,
      })
      .execute();
    for (const state of ['queued', 'running', 'finishing']) {
      await db().updateTable('runs').set({ state }).execute();
      await expect(removeRegistry(db(), 'busy'), state).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining('busy') });
    }
    expect(await open(red, 'busy.example')).toBe(PASSWORD);
    await db().updateTable('runs').set({ state: 'failed' }).execute();
    await removeRegistry(db(), 'busy');
  });
});
