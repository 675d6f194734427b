import type { Answer } from '#api-tests/exchange.ts';
import { useTestPlatform } from '#api-tests/test-platform.ts';
import { answerJson, provideStandInRegistry, type StandInRegistry } from '#registries/testing/provide-stand-in-registry.ts';
import { hasTestRegistry, startTestRegistry, TEST_READER, type TestRegistry } from '#registries/testing/provide-test-registry.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const opened = useTestPlatform();
const SECRET = 'a-password-that-must-not-be-seen';
const seen: string[] = [];

/** Everything that anybody is told in this file is looked through at its end. */
const ask = async (who: 'systemAdmin' | 'admin' | 'member' | 'foreigner', method: string, path: string, body?: unknown): Promise<Answer> => {
  const answer = await opened().ask(opened()[who].secret, method, path, body);
  seen.push(answer.text, JSON.stringify(answer.headers));
  return answer;
};
const credentialAt = (host: string, tenant = 'alpha'): string => `/v1/tenants/${tenant}/registry-credentials/${encodeURIComponent(host)}`;

describe("registries and tenants' passwords", () => {
  it('are registered by system admins, for everybody to see', async () => {
    const made = await ask('systemAdmin', 'POST', '/v1/registries', { name: 'Ours', address: ' Ours.Example:5000 ' });
    expect([made.status, made.body]).toEqual([201, expect.objectContaining({ name: 'Ours', address: 'ours.example:5000', insecure: false, tokenHosts: [] })]);
    expect((await ask('foreigner', 'GET', '/v1/registries')).body.items.map(({ name }: { name: string }) => name)).toEqual(['images', 'Ours']);
    expect((await ask('systemAdmin', 'PATCH', '/v1/registries/Ours', { address: 'elsewhere.example' })).body.code).toBe('invalid-request');
    const changed = await ask('systemAdmin', 'PATCH', '/v1/registries/Ours', { tokenHosts: ['auth'] });
    expect(changed.body).toEqual({ ...made.body, tokenHosts: ['auth'] });
  });

  it.each(['registry', 'https://a.example', 'a.example/path', 'a.example:0', '', 'user:word@a.example', 'a.exa\nmple', '[::1]:80'])(
    'are refused at what is no address: %j',
    async (address) => {
      expect((await ask('systemAdmin', 'POST', '/v1/registries', { name: 'x', address })).body).toMatchObject({
        code: 'invalid-request',
        message: expect.stringContaining('body.address'),
      });
    },
  );

  it('are written once and never shown', async () => {
    const put = await ask('admin', 'PUT', credentialAt('ours.example:5000'), { userName: 'anna', password: SECRET });
    expect([put.status, put.body]).toEqual([200, { id: expect.any(String), host: 'ours.example:5000', userName: 'anna', setAt: expect.any(String) }]);
    expect((await ask('member', 'GET', '/v1/tenants/alpha/registry-credentials')).body).toEqual({ items: [put.body] });
    expect((await ask('foreigner', 'GET', '/v1/tenants/beta/registry-credentials')).body).toEqual({ items: [] });
  });

  it.each([
    { userName: 'a:b', password: SECRET },
    { userName: '', password: SECRET },
    { userName: 'anna', password: '' },
    { userName: 'anna', password: `${SECRET}\r\nX: y` },
    { userName: 'anna', password: `${SECRET}\0` },
    { userName: 'anna', password: SECRET.repeat(1000) },
    { userName: 'anna', password: { value: SECRET } },
    { userName: 'anna', password: SECRET, nonsense: 1 },
    { password: SECRET },
  ])('are refused out of form, without being repeated', async (body) => {
    expect((await ask('admin', 'PUT', credentialAt('ours.example:5000'), body)).body.code).toBe('invalid-request');
  });

  it('are given up with their registry', async () => {
    expect((await ask('systemAdmin', 'DELETE', '/v1/registries/Ours')).status).toBe(204);
    expect((await ask('admin', 'GET', '/v1/tenants/alpha/registry-credentials')).body).toEqual({ items: [] });
    expect((await ask('admin', 'DELETE', credentialAt('ours.example:5000'))).body).toMatchObject({ code: 'not-found' });
  });
});

describe('asking a registry', () => {
  const held: { hostile?: StandInRegistry } = {};
  const hostile = (): StandInRegistry => held.hostile as StandInRegistry;

  beforeAll(async () => {
    held.hostile = await provideStandInRegistry((request, response) => {
      // It tells whatever it was told, wherever it can.
      const told = request.headers.authorization ?? '';
      if (told === '') return answerJson(response, {}, 401, { 'www-authenticate': 'Basic realm="x"' });
      const word = Buffer.from(told.replace('Basic ', ''), 'base64').toString().split(':')[1] ?? '';
      if (request.url?.includes('_catalog')) return void response.writeHead(302, { location: `http://elsewhere.example/${word}?${told}` }).end(word);
      answerJson(response, { errors: [{ message: word, detail: told }] }, 500, { 'x-told': told });
    });
    await ask('systemAdmin', 'POST', '/v1/registries', { name: 'hostile', address: hostile().address, insecure: true });
    await ask('admin', 'PUT', credentialAt(hostile().address), { userName: 'anna', password: SECRET });
  });
  afterAll(async () => held.hostile?.close());

  it('uses the password of the tenant that asks, and of no other', async () => {
    await ask('member', 'GET', '/v1/tenants/alpha/registries/hostile/images');
    expect(hostile().asked.at(-1)?.authorization).toBe(`Basic ${btoa(`anna:${SECRET}`)}`);
    expect((await ask('foreigner', 'GET', '/v1/tenants/beta/registries/hostile/images')).body).toMatchObject({ code: 'registry-sign-in-needed' });
    expect(hostile().asked.at(-1)?.authorization).toBeUndefined();
  });

  it('passes on nothing that a registry wrote', async () => {
    expect((await ask('member', 'GET', '/v1/tenants/alpha/registries/hostile/images')).body).toMatchObject({
      code: 'registry-failed',
      message: expect.stringContaining('elsewhere.example'),
    });
    expect((await ask('member', 'GET', '/v1/tenants/alpha/registries/hostile/tags?image=a')).body).toMatchObject({
      code: 'registry-failed',
      message: expect.stringContaining('500'),
    });
  });

  it.each(['', '../../secret', 'a//b', 'A', 'a b', 'a?x', 'a%2fb', '_catalog', 'x'.repeat(300)])(
    'asks nothing for an image that is none: %j',
    async (image) => {
      const before = hostile().asked.length;
      const { body } = await ask('member', 'GET', `/v1/tenants/alpha/registries/hostile/tags?image=${encodeURIComponent(image)}`);
      expect(body).toMatchObject({ code: 'invalid-request', message: expect.stringContaining('query.image') });
      expect(hostile().asked.length).toBe(before);
    },
  );

  it('asks only what is registered', async () => {
    for (const registry of [hostile().address, '127.0.0.1', 'http://127.0.0.1', '169.254.169.254'])
      expect((await ask('admin', 'GET', `/v1/tenants/alpha/registries/${encodeURIComponent(registry)}/images`)).body.code).toBe('not-found');
  });
});

describe.skipIf(!hasTestRegistry())("Docker's registry (needs the program docker-registry)", () => {
  const held: { registry?: TestRegistry } = {};
  const registry = (): TestRegistry => held.registry as TestRegistry;
  beforeAll(async () => {
    held.registry = await startTestRegistry({ signIn: true });
    await registry().push({ path: 'team/model', tag: 'v1' });
    await ask('systemAdmin', 'POST', '/v1/registries', { name: 'real', address: registry().address, insecure: true });
  });
  afterAll(async () => held.registry?.close());

  it('opens once an admin of the tenant has set the password', async () => {
    const [images, tags] = ['/v1/tenants/alpha/registries/real/images', '/v1/tenants/alpha/registries/real/tags?image=team/model'];
    expect((await ask('member', 'GET', images)).body.code).toBe('registry-sign-in-needed');
    await ask('admin', 'PUT', credentialAt(registry().address), { userName: TEST_READER.userName, password: SECRET });
    expect((await ask('member', 'GET', images)).body.code).toBe('registry-sign-in-refused');
    await ask('admin', 'PUT', credentialAt(registry().address), { userName: TEST_READER.userName, password: TEST_READER.password });
    expect((await ask('member', 'GET', images)).body).toEqual({
      items: [{ name: 'team/model', reference: `${registry().address}/team/model` }],
      nextCursor: null,
    });
    expect((await ask('member', 'GET', tags)).body).toEqual({ items: [{ name: 'v1', reference: `${registry().address}/team/model:v1` }], truncated: false });
    expect((await ask('member', 'GET', `${tags}x`)).body.code).toBe('image-not-found');
    await ask('admin', 'DELETE', credentialAt(registry().address));
    expect((await ask('member', 'GET', tags)).body.code).toBe('registry-sign-in-needed');
  });
});

describe('all that was said', () => {
  it('holds no password, and neither does the log', () => {
    const log = opened().errorsLogged.join('\n');
    expect(log).toContain('registry-failed');
    const told = [...seen, log].join('\n');
    expect(seen.length).toBeGreaterThan(30);
    for (const secret of [SECRET, btoa(`anna:${SECRET}`), btoa(`${TEST_READER.userName}:${SECRET}`), TEST_READER.password])
      expect(told.includes(secret), secret).toBe(false);
  });
});
