import { Secret } from '#config/secret.ts';
import type { RegistryCredential } from '#executors/executor.ts';
import { browseImages, browseTags } from '#registries/browse-registry.ts';
import { makeRegistryConversation } from '#registries/registry-conversation.ts';
import type { AskedRegistry } from '#registries/registry-places.ts';
import { answerJson, provideStandInRegistry, type StandInRegistry } from '#registries/testing/provide-stand-in-registry.ts';
import { hasTestRegistry, startTestRegistry, TEST_READER, type TestRegistry } from '#registries/testing/provide-test-registry.ts';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const PLENTY_MS = 30_000;
const PASSWORD = 'very-secret-password';
const credential: RegistryCredential = { registry: 'x', userName: 'anna', password: new Secret(PASSWORD) };
const at = (address: string, more: Partial<AskedRegistry> = {}): AskedRegistry => ({ name: 'ours', address, insecure: true, tokenHosts: [], ...more });

const images = (
  registry: AskedRegistry,
  as: RegistryCredential | null = null,
  ask: { text?: string; limit?: number; cursor?: string } = {},
  limitMs = PLENTY_MS,
) => browseImages(registry, makeRegistryConversation(registry, as, limitMs), { limit: 50, ...ask });
const tags = (registry: AskedRegistry, image: string, as: RegistryCredential | null = null) =>
  browseTags(registry, makeRegistryConversation(registry, as, PLENTY_MS), image);

/** Fails with this code, in a text that says what is wrong and holds no secret. */
async function expectTrouble(work: Promise<unknown>, code: string, ...words: readonly string[]): Promise<void> {
  const error = await work.then(
    () => 'nothing was thrown',
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code });
  const { message } = error as Error;
  for (const word of ['ours', ...words]) expect(message).toContain(word);
  expect(message).not.toMatch(/\{\w+\}|undefined|null|\[object/);
  // As a log shows it, with its causes. A parser's error carries what it could not read, as bytes.
  const whole = inspect(error, { depth: 9, showHidden: true });
  for (const secret of [PASSWORD, btoa(`anna:${PASSWORD}`), 'the-token', 'rawPacket']) expect(whole).not.toContain(secret);
}

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});
async function standIn(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<StandInRegistry> {
  const server = await provideStandInRegistry(answer);
  opened.push(() => server.close());
  return server;
}
/** What speaks no HTTP at all. */
async function rawServer(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(!hasTestRegistry())("Docker's registry (needs the program docker-registry)", () => {
  const held: { free?: TestRegistry; closed?: TestRegistry } = {};
  const free = (): AskedRegistry => at((held.free as TestRegistry).address);
  const closed = (): AskedRegistry => at((held.closed as TestRegistry).address);
  const reader: RegistryCredential = { registry: 'x', userName: TEST_READER.userName, password: new Secret(TEST_READER.password) };

  beforeAll(async () => {
    [held.free, held.closed] = await Promise.all([startTestRegistry(), startTestRegistry({ signIn: true })]);
    for (const path of ['team/model', 'team/other', 'base', 'zoo/cats', 'zoo/dogs']) await held.free.push({ path, tag: 'v1' });
    await held.free.push({ path: 'team/model', tag: 'latest', layers: [Buffer.alloc(1024)], config: { Cmd: ['/bin/true'] } });
    await held.closed.push({ path: 'secret/model', tag: 'v1' });
  });
  afterAll(async () => {
    await Promise.all([held.free?.close(), held.closed?.close()]);
  });

  it('lists images page by page, each once', async () => {
    expect(await images(free())).toEqual({
      items: ['base', 'team/model', 'team/other', 'zoo/cats', 'zoo/dogs'].map((name) => ({ name, reference: `${free().address}/${name}` })),
      nextCursor: null,
    });
    const names: string[] = [];
    let cursor: string | null | undefined;
    for (let pages = 0; cursor !== null && pages < 5; pages += 1) {
      const page: Awaited<ReturnType<typeof images>> = await images(free(), null, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      names.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    expect([names, cursor]).toEqual([['base', 'team/model', 'team/other', 'zoo/cats', 'zoo/dogs'], null]);
  });

  it('searches, and goes on where a page was full', async () => {
    const first = await images(free(), null, { text: 'TEAM', limit: 1 });
    expect(first.items.map(({ name }) => name)).toEqual(['team/model']);
    const second = await images(free(), null, { text: 'TEAM', limit: 1, cursor: first.nextCursor ?? '' });
    expect(second.items.map(({ name }) => name)).toEqual(['team/other']);
    const rest = second.nextCursor === null ? { items: [] } : await images(free(), null, { text: 'TEAM', limit: 1, cursor: second.nextCursor });
    expect(rest.items).toEqual([]);
  });

  it('lists tags, with the names that submissions take', async () => {
    const found = await tags(free(), 'team/model');
    expect(found.items.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
      ['latest', 'v1'].map((name) => ({ name, reference: `${free().address}/team/model:${name}` })),
    );
    expect(found.truncated).toBe(false);
  });

  it('says that an image is not there', () => expectTrouble(tags(free(), 'team/nothing'), 'image-not-found', 'team/nothing'));

  it('opens to whoever has the password', async () => {
    expect((await images(closed(), reader)).items.map(({ name }) => name)).toEqual(['secret/model']);
    expect((await tags(closed(), 'secret/model', reader)).items.map(({ name }) => name)).toEqual(['v1']);
  });

  it('stays closed without one, and says what to do', async () => {
    await expectTrouble(images(closed()), 'registry-sign-in-needed', 'sodate registry login', closed().address);
    await expectTrouble(tags(closed(), 'secret/model'), 'registry-sign-in-needed', 'sodate registry login');
  });

  it('stays closed to a wrong password and a wrong name', async () => {
    for (const wrong of [{ password: new Secret(PASSWORD) }, { userName: 'anna' }]) {
      await expectTrouble(images(closed(), { ...reader, ...wrong }), 'registry-sign-in-refused', 'sodate registry login');
      await expectTrouble(tags(closed(), 'secret/model', { ...reader, ...wrong }), 'registry-sign-in-refused');
    }
  });
});

describe('signing in by token', () => {
  /** A registry and its place to sign in, which hands out `the-token` to anna. */
  async function withTokens(change: { realm?: (signIn: string) => string; token?: unknown; tokenStatus?: number; denied?: boolean } = {}) {
    const signIn = await standIn((request, response) => {
      if (change.tokenStatus !== undefined) return answerJson(response, { errors: [] }, change.tokenStatus);
      const known = [undefined, `Basic ${btoa(`anna:${PASSWORD}`)}`].includes(request.headers.authorization);
      return known ? answerJson(response, change.token ?? { token: 'the-token' }) : answerJson(response, {}, 401);
    });
    const registry = await standIn((request, response) => {
      const realm = (change.realm ?? ((host) => `http://${host}/token?account=x`))(signIn.address);
      const challenge = { 'www-authenticate': `Bearer realm="${realm}",service="the registry",scope="repository:a,b:pull"` };
      if (request.headers.authorization !== 'Bearer the-token' || change.denied) return answerJson(response, {}, 401, challenge);
      return answerJson(response, { repositories: ['team/model'], tags: ['v1'] });
    });
    return { signIn, registry, asked: at(registry.address, { tokenHosts: [signIn.address] }) };
  }

  it('asks for what the registry says, and gives the password to the place to sign in only', async () => {
    const { signIn, registry, asked } = await withTokens();
    expect((await images(asked, credential)).items.map(({ name }) => name)).toEqual(['team/model']);
    expect(signIn.asked.map((one) => one.authorization)).toEqual([`Basic ${btoa(`anna:${PASSWORD}`)}`]);
    const query = new URL(signIn.asked[0]?.path ?? '', 'http://x').searchParams;
    expect(Object.fromEntries(query)).toEqual({ account: 'x', service: 'the registry', scope: 'repository:a,b:pull' });
    expect(registry.asked.map((one) => one.authorization)).toEqual([undefined, 'Bearer the-token']);
  });

  it('works without a password where the registry lets anybody in', async () => {
    const { asked, signIn } = await withTokens({ token: { access_token: 'the-token', expires_in: 60 } });
    expect((await tags(asked, 'team/model')).items.map(({ name }) => name)).toEqual(['v1']);
    expect(signIn.asked.map((one) => one.authorization)).toEqual([undefined]);
  });

  it('goes to no host that nobody listed', async () => {
    const { signIn, registry } = await withTokens();
    await expectTrouble(images(at(registry.address), credential), 'registry-failed', signIn.address, '--token-host');
    expect(signIn.asked).toEqual([]);
  });

  it.each(['http://169.254.169.254/latest', 'http://user:word@HOST/token', 'file:///etc/passwd', 'ftp://HOST/', 'nonsense', '', '//HOST/token'])(
    'goes to no such address: %s',
    async (realm) => {
      const { signIn, asked } = await withTokens({ realm: (host) => realm.replace('HOST', host) });
      await expectTrouble(images(asked, credential), 'registry-failed', 'sign in');
      expect(signIn.asked).toEqual([]);
    },
  );

  it.each([400, 401, 403])('tells a refusal from a failure: status %d', async (tokenStatus) => {
    const { asked } = await withTokens({ tokenStatus });
    await expectTrouble(images(asked, credential), 'registry-sign-in-refused', 'sodate registry login');
    await expectTrouble(images(asked), 'registry-sign-in-needed', 'sodate registry login');
  });

  it.each<[string, unknown]>([
    ['none', {}],
    ['one that would be another header', { token: 'x\r\nHost: y' }],
    ['one that is no text', { token: 1 }],
    ['an endless one', { token: 'x'.repeat(100_000) }],
  ])('takes no token that is none: %s', async (_what, token) => {
    const { asked } = await withTokens({ token });
    await expectTrouble(images(asked, credential), 'registry-failed', 'without a token');
  });

  it('says so when the server to sign in is ill', async () => {
    const { asked, signIn } = await withTokens({ tokenStatus: 500 });
    await expectTrouble(images(asked, credential), 'registry-failed', signIn.address, '500');
  });

  it('tells signed in, but not for this', async () => {
    const { asked } = await withTokens({ denied: true });
    await expectTrouble(images(asked, credential), 'registry-without-catalog', 'Type the name');
    await expectTrouble(tags(asked, 'team/model', credential), 'image-not-found', 'team/model');
  });

  it('never sends a password over http that is to go over https', async () => {
    const { signIn, registry } = await withTokens();
    const asked = at(registry.address, { insecure: false, tokenHosts: [signIn.address] });
    await expectTrouble(images(asked, credential), 'registry-failed', 'does not speak https', '--insecure');
    expect(registry.asked).toEqual([]);
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

it.skipIf(!hasOpenssl)('a certificate that nobody vouches for is not trusted, and learns no password (needs the program openssl)', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-registry-'));
  opened.push(() => rm(folder, { recursive: true }));
  const [key, certificate] = [path.join(folder, 'key'), path.join(folder, 'certificate')];
  const made = [
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
    '-days',
    '1',
    '-subj',
    '/CN=127.0.0.1',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  ];
  expect(spawnSync('openssl', ['req', '-x509', ...made]).status).toBe(0);
  let asked = 0;
  const server = createHttpsServer({ key: await readFile(key), cert: await readFile(certificate) }, (_request, response) => {
    asked += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => new Promise((resolve) => server.close(() => resolve())));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expectTrouble(images(at(address, { insecure: false }), credential), 'registry-failed', address, 'not trusted', 'NODE_EXTRA_CA_CERTS');
  expect(asked).toBe(0);
});

describe('registries that are not as they should be', () => {
  it('say that they do not list images', async () => {
    for (const status of [401, 403, 404, 405, 501]) {
      const { address } = await standIn((request, response) =>
        status === 401 && request.headers.authorization === undefined
          ? answerJson(response, {}, 401, { 'www-authenticate': 'Basic realm="x"' })
          : answerJson(response, { errors: [{ code: 'UNSUPPORTED' }] }, status === 401 ? 403 : status),
      );
      await expectTrouble(images(at(address), credential), 'registry-without-catalog', 'Type the name');
    }
  });

  it('hang', async () => {
    const silent = await standIn(() => {});
    await expectTrouble(images(at(silent.address), credential, {}, 200), 'registry-failed', silent.address, 'does not answer in time');
    const half = await standIn((_request, response) => void response.writeHead(200).write('{"repositories":['));
    await expectTrouble(images(at(half.address), credential, {}, 200), 'registry-failed', half.address, 'does not answer in time');
  });

  it('are not there', async () => {
    const gone = await provideStandInRegistry(() => {});
    await gone.close();
    await expectTrouble(images(at(gone.address)), 'registry-failed', gone.address, 'nothing answers');
    // No name has a part of 64 letters, so that this is known without asking anybody.
    await expectTrouble(images(at(`${'x'.repeat(64)}.invalid`)), 'registry-failed', 'is not known');
  });

  it('send us elsewhere', async () => {
    const target = await standIn((_request, response) => answerJson(response, { repositories: ['stolen'] }));
    for (const status of [301, 302, 303, 307, 308]) {
      const { address } = await standIn((_request, response) => void response.writeHead(status, { location: `http://${target.address}/v2/_catalog` }).end());
      await expectTrouble(images(at(address), credential), 'registry-failed', target.address, 'not followed');
    }
    for (const location of ['http://169.254.169.254/', 'https://127.0.0.1/', 'file:///etc/passwd', 'http://', '//[']) {
      const { address } = await standIn((_request, response) => void response.writeHead(302, { location }).end());
      await expectTrouble(images(at(address), credential), 'registry-failed', 'not followed');
    }
    expect(target.asked).toEqual([]);
  });

  it('send us on at their own address, once or for ever', async () => {
    const { address } = await standIn((request, response) =>
      request.url?.includes('/_catalog/')
        ? answerJson(response, { repositories: ['a'] })
        : void response.writeHead(301, { location: '/v2/_catalog/?n=50' }).end(),
    );
    expect((await images(at(address))).items.map(({ name }) => name)).toEqual(['a']);
    const circle = await standIn((_request, response) => void response.writeHead(301, { location: '/v2/_catalog' }).end());
    await expectTrouble(images(at(circle.address)), 'registry-failed', 'again and again');
    expect(circle.asked.length).toBeLessThan(10);
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['pages for people', (response) => void response.end('<!doctype html><title>hello</title>'), 'not a registry'],
    ['nothing', (response) => void response.end(), 'not a registry'],
    ['JSON of something else', (response) => answerJson(response, { hello: 'world' }), 'not a registry'],
    ['names that are no texts', (response) => answerJson(response, { repositories: [1, null] }), 'not a registry'],
    ['bytes', (response) => void response.end(Buffer.from([0, 255, 254])), 'not a registry'],
    ['JSON that is deeper than a stack', (response) => void response.end('['.repeat(1_000_000)), 'not a registry'],
    ['an error of their own', (response) => answerJson(response, {}, 500), '500'],
    ['that it was too often', (response) => answerJson(response, {}, 429), 'too often'],
    ['a way to sign in that is not known', (response) => answerJson(response, {}, 401, { 'www-authenticate': 'Negotiate' }), 'negotiate'],
    ['no way to sign in', (response) => answerJson(response, {}, 401), 'does not say how'],
    ['too much', (response) => void response.end(Buffer.alloc(9 * 2 ** 20, ' ')), 'larger than 8 MiB'],
    ['half of it', (response) => void response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()), 'broke off'],
  ])('answer with %s', async (_what, answer, words) => {
    const { address } = await standIn((_request, response) => answer(response));
    await expectTrouble(images(at(address), credential), 'registry-failed', words);
  });

  it('never end', async () => {
    const endless = await standIn((_request, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536, ' ')));
        response.once('drain', more);
      };
      more();
    });
    await expectTrouble(images(at(endless.address)), 'registry-failed', 'larger than 8 MiB');
  });

  it('speak something else', async () => {
    const smtp = await rawServer((socket) => void socket.end('220 mail.example ESMTP the-token\r\n'));
    await expectTrouble(images(at(smtp), credential), 'registry-failed', smtp, 'does not speak HTTP');
    const cut = await rawServer((socket) => void socket.destroy());
    await expectTrouble(images(at(cut), credential), 'registry-failed', cut, 'broke off');
  });

  it('list names that no image can have, and those are left out', async () => {
    const names = ['good', '../../etc', 'UPPER', 'a b', '', 'x'.repeat(300), 'also/good', '<script>'];
    const { address } = await standIn((_request, response) =>
      answerJson(response, { repositories: names, tags: ['ok', '../x', '', '<script>', 'x'.repeat(129)] }),
    );
    expect((await images(at(address))).items.map(({ name }) => name)).toEqual(['good', 'also/good']);
    expect((await tags(at(address), 'good')).items.map(({ name }) => name)).toEqual(['ok']);
  });

  it('list nothing as null', async () => {
    const { address } = await standIn((_request, response) => answerJson(response, { repositories: null, tags: null }));
    expect(await images(at(address))).toEqual({ items: [], nextCursor: null });
    expect(await tags(at(address), 'good')).toEqual({ items: [], truncated: false });
  });

  it('answer with everything although a page was asked for', async () => {
    const names = Array.from({ length: 25 }, (_nothing, index) => `image-${index}`);
    const { address } = await standIn((_request, response) => answerJson(response, { repositories: names }));
    const found: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page: Awaited<ReturnType<typeof images>> = await images(at(address), null, { limit: 10, ...(cursor === undefined ? {} : { cursor }) });
      found.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    expect(found).toEqual(names);
  });

  it('name a next page elsewhere: only its query is used', async () => {
    const target = await standIn((_request, response) => answerJson(response, { repositories: ['stolen'] }));
    const { address, asked } = await standIn((request, response) => {
      const more = request.url?.includes('next_page=2') ? {} : { link: `<http://${target.address}/elsewhere?next_page=2&n=1>; rel="next"` };
      answerJson(response, { repositories: [request.url?.includes('next_page=2') ? 'b' : 'a'] }, 200, more);
    });
    const first = await images(at(address), credential, { limit: 1 });
    const second = await images(at(address), credential, { limit: 1, cursor: first.nextCursor ?? '' });
    expect([first.items[0]?.name, second.items[0]?.name, second.nextCursor]).toEqual(['a', 'b', null]);
    expect([target.asked, asked.map((one) => one.path)]).toEqual([[], ['/v2/_catalog?n=1', '/v2/_catalog?next_page=2&n=1']]);
  });

  it('have pages without end: one request reads ten, and the next goes on', async () => {
    let served = 0;
    const { address } = await standIn((_request, response) =>
      answerJson(response, { repositories: [`image-${(served += 1)}`], tags: [`v${served}`] }, 200, { link: `</v2/_catalog?last=${served}>; rel=next` }),
    );
    const found = await images(at(address), null, { text: 'nothing' });
    expect([found.items, served, typeof found.nextCursor]).toEqual([[], 10, 'string']);
    await images(at(address), null, { text: 'nothing', cursor: found.nextCursor ?? '' });
    expect(served).toBe(20);
    expect(await tags(at(address), 'a')).toMatchObject({ truncated: true });
  });

  it('are asked nothing for a cursor that is none', async () => {
    const { address, asked } = await standIn((_request, response) => answerJson(response, { repositories: [] }));
    for (const cursor of ['', 'x', btoa('[]'), btoa('["n=1",-1]'), btoa('["n=1"]'), btoa(`["${'x'.repeat(3000)}",0]`), btoa('{"query":"","skip":0}')])
      await expect(images(at(address), null, { cursor })).rejects.toMatchObject({ code: 'invalid-cursor' });
    expect(asked).toEqual([]);
    await images(at(address), null, { cursor: btoa(JSON.stringify(['n=1 HTTP/1.1\r\nHost: x#?/../', 0])) });
    expect(asked[0]?.path).toMatch(/^\/v2\/_catalog\?n=1\+HTTP%2F1\.1%0D%0AHost/);
  });

  it('stand at addresses that are never asked', async () => {
    for (const address of ['169.254.169.254', '169.254.169.254:5000', '2852039166:80', '0xa9fea9fe:80'])
      await expectTrouble(images(at(address), credential), 'registry-failed', 'never asked');
  });
});
