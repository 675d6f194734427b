import { useTestDatabase } from '#kit/db/test-database.ts';
import { makeBinder, SESSION_COOKIE } from '#kit/http/bind-route.ts';
import { makeHttpApp } from '#kit/http/make-http-app.ts';
import type { Change } from '#kit/live/change-feed.ts';
import { bindTenantRoutes } from '#tenants/tenant-routes.ts';
import { bindTokenRoutes } from '#tokens/token-routes.ts';
import { bindUserRoutes } from '#users/user-routes.ts';
import { ensureFirstAdmin, makePasswords, makeSignIn, makeSignInThrottle } from '#users/users.ts';
import { sessionRoutes } from '@sodate/contract/session.ts';
import { tenantRoutes } from '@sodate/contract/tenants.ts';
import { tokenRoutes } from '@sodate/contract/tokens.ts';
import { userRoutes } from '@sodate/contract/users.ts';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccess } from './access.ts';
import { bindSessionRoutes } from './session-routes.ts';

const clock = { now: () => new Date('2026-01-01T00:00:00Z'), sleep: async () => {} };

describe('signing in over HTTP', () => {
  const database = useTestDatabase();
  const address: { publicUrl: string | null } = { publicUrl: null };
  const published: Change[] = [];
  let app: FastifyInstance;
  let bound: ReadonlySet<string>;
  let admin = '';

  beforeAll(async () => {
    const { db } = database();
    const passwords = makePasswords({ N: 16, r: 1, p: 1 });
    const access = makeAccess({ db, clock, verifyAttempt: async () => null });
    app = await makeHttpApp({ logger: pino({ level: 'silent' }), address: () => address, trustedProxies: ['127.0.0.1'] });
    const binder = makeBinder(app, access, db, clock);
    const changes = { publish: (change: Change) => void published.push(change), subscribe: () => () => {}, close: async () => {} };
    bindSessionRoutes(binder, { db, access, signIn: makeSignIn({ db, clock, passwords, throttle: makeSignInThrottle() }), address: () => address });
    bindUserRoutes(binder, { db, clock, passwords, address: () => address });
    bindTenantRoutes(binder, { db, clock, changes });
    bindTokenRoutes(binder, { db, clock, changes });
    bound = binder.bound;
    await ensureFirstAdmin(db, passwords, { adminPassword: 'admin-password', now: clock.now() });
    admin = (await call('POST', '/v1/session', { body: { name: 'admin', password: 'admin-password', keep: 'token' } })).json.token as string;
  });
  afterAll(() => app.close());

  async function call(
    method: NonNullable<InjectOptions['method']>,
    url: string,
    more: { body?: object; token?: string; headers?: Record<string, string> } = {},
  ) {
    const response = await app.inject({
      method,
      url,
      headers: { host: 'localhost:1234', ...(more.token === undefined ? {} : { authorization: `Bearer ${more.token}` }), ...more.headers },
      ...(more.body === undefined ? {} : { payload: more.body }),
    });
    return {
      status: response.statusCode,
      json: (response.body === '' ? {} : response.json()) as Record<string, unknown>,
      cookie: response.headers['set-cookie'],
      body: response.body,
    };
  }

  it('binds every route of its slices', () => {
    for (const route of [...sessionRoutes, ...userRoutes, ...tenantRoutes, ...tokenRoutes]) expect(bound).toContain(route.id);
  });

  it('sets a cookie that scripts and other sites cannot use, Secure where the address is https, and no token', async () => {
    const body = { name: 'admin', password: 'admin-password' };
    const plain = await call('POST', '/v1/session', { body });
    expect(plain).toMatchObject({ status: 201, json: { token: null, me: { name: 'admin', systemAdmin: true, hasPassword: true } } });
    expect(String(plain.cookie)).toMatch(/^sodate_session=ses_[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict$/);
    address.publicUrl = 'https://sodate.example';
    expect(String((await call('POST', '/v1/session', { body })).cookie)).toContain('; Secure');
    address.publicUrl = null;
    const token = await call('POST', '/v1/session', { body: { ...body, keep: 'token' } });
    expect(token.cookie).toBeUndefined();
    const cookie = String(plain.cookie).split(';')[0] ?? '';
    expect(await call('GET', '/v1/me', { headers: { cookie } })).toMatchObject({ status: 200, json: { name: 'admin' } });
    const out = await call('DELETE', '/v1/session', { headers: { cookie } });
    expect(out).toMatchObject({ status: 204 });
    expect(String(out.cookie)).toMatch(/^sodate_session=;.*Expires=Thu, 01 Jan 1970/);
    expect(await call('GET', '/v1/me', { headers: { cookie } })).toMatchObject({ status: 401, json: { code: 'not-signed-in' } });
  });

  it('lets people sign in whatever stale or broken credential comes along', async () => {
    for (const headers of [{ cookie: `${SESSION_COOKIE}=stale` }, { authorization: 'Bearer nothing' }, { authorization: 'Basic %%%' }]) {
      expect((await call('POST', '/v1/session', { body: { name: 'admin', password: 'admin-password' }, headers })).status).toBe(201);
      expect(await call('GET', '/v1/me', { headers })).toMatchObject({ status: 401, json: { code: 'not-signed-in' } });
    }
  });

  it('invites a user by a link whose secret no server sees, once', async () => {
    expect(await call('POST', '/v1/users', { token: admin, body: { name: 'mina', displayName: '美奈' } })).toMatchObject({
      status: 201,
      json: { name: 'mina', hasPassword: false },
    });
    const link = await call('POST', '/v1/users/mina/sign-in-link', { token: admin });
    const [page, secret] = String(link.json['url']).split('#');
    expect(page).toBe('http://localhost:1234/first-sign-in');
    const redeem = () => call('POST', '/v1/session/link', { body: { secret, password: 'mina-password', keep: 'token' } });
    expect(await redeem()).toMatchObject({ status: 201, json: { me: { name: 'mina', displayName: '美奈', tenants: [] } } });
    expect(await redeem()).toMatchObject({ status: 401, json: { code: 'link-not-valid' } });
  });

  it("keeps a token out of its person's own settings and out of other tenants", async () => {
    expect((await call('POST', '/v1/tenants', { token: admin, body: { name: 'red' } })).status).toBe(201);
    expect((await call('POST', '/v1/tenants', { token: admin, body: { name: 'blue', quota: { cpu: 2.5 } } })).json).toMatchObject({
      quota: { cpu: 2.5, memory: null, gpus: null },
    });
    expect((await call('PUT', '/v1/tenants/red/members/mina', { token: admin, body: { role: 'admin' } })).json).toMatchObject({
      user: { name: 'mina' },
      role: 'admin',
    });
    const mina = (await call('POST', '/v1/session', { body: { name: 'mina', password: 'mina-password', keep: 'token' } })).json['token'] as string;
    const created = await call('POST', '/v1/tenants/red/tokens', { token: mina, body: { name: 'script' } });
    const token = created.json['secret'] as string;
    expect((await call('GET', '/v1/me', { token })).json).toMatchObject({ name: 'mina', tenants: [{ name: 'red', role: 'admin' }] });
    expect((await call('GET', '/v1/tenants/red', { token })).status).toBe(200);
    expect((await call('GET', '/v1/tenants/blue', { token })).json).toMatchObject({ code: 'not-found' });
    expect((await call('GET', '/v1/tenants', { token })).json).toMatchObject({ total: { count: 1 } });
    expect((await call('GET', '/v1/users', { token })).json).toMatchObject({ code: 'not-allowed' });
    expect((await call('PATCH', '/v1/me', { token, body: { displayName: 'x' } })).json).toMatchObject({ code: 'not-allowed' });
    expect((await call('PUT', '/v1/me/password', { token, body: { current: 'mina-password', next: 'other-password' } })).json).toMatchObject({
      code: 'not-allowed',
    });
    expect((await call('PATCH', '/v1/me', { token: mina, body: { language: 'ja' } })).json).toMatchObject({ language: 'ja', displayName: '美奈' });
    expect((await call('DELETE', `/v1/tenants/red/tokens/${String(created.json['id'])}`, { token: mina })).status).toBe(204);
    expect((await call('GET', '/v1/me', { token })).status).toBe(401);
    expect(published.map((change) => `${change.topic} ${change.change}`)).toEqual(['member created', 'token created', 'token deleted']);
  });

  it('creates one tenant for one idempotency key', async () => {
    const create = () => call('POST', '/v1/tenants', { token: admin, body: { name: 'once' }, headers: { 'idempotency-key': 'k1' } });
    const [first, second] = [await create(), await create()];
    expect(second).toMatchObject({ status: 201, json: { id: first.json['id'] } });
    expect((await call('POST', '/v1/tenants', { token: admin, body: { name: 'once' } })).json).toMatchObject({ code: 'name-taken' });
  });

  it('says when to come back after too many wrong passwords', async () => {
    await call('POST', '/v1/users', { token: admin, body: { name: 'forgetful', password: 'forgotten' } });
    const guess = () => call('POST', '/v1/session', { body: { name: 'forgetful', password: 'wrong-guess' } });
    for (let count = 0; count < 10; count += 1) expect(await guess()).toMatchObject({ status: 401, json: { code: 'bad-credentials' } });
    expect(await guess()).toMatchObject({ status: 429, json: { code: 'too-many-attempts', params: { seconds: 900 } } });
    expect((await call('POST', '/v1/session', { body: { name: 'admin', password: 'admin-password' } })).status).toBe(201);
  });

  it('counts wrong passwords for each client of a proxy that it trusts, and believes what stands before that not at all', async () => {
    const guess = (name: string, forwarded: string) =>
      call('POST', '/v1/session', { body: { name, password: 'wrong-guess' }, headers: { 'x-forwarded-for': forwarded } });
    for (let count = 0; count < 100; count += 1) expect((await guess(`nobody-${count}`, `198.51.100.${count}, 192.0.2.7`)).status).toBe(401);
    expect((await guess('somebody', '192.0.2.7')).status).toBe(429);
    expect((await guess('somebody', '192.0.2.8')).status).toBe(401);
  });
});
