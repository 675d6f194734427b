import type { Answer } from '#api-tests/exchange.ts';
import { useTestPlatform } from '#api-tests/test-platform.ts';
import { gitIn, hasGit, makeOrigin } from '#git/git-origin.ts';
import { hasHttpGit, type HttpGit, provideHttpGit } from '#git/testing/provide-http-git.ts';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const opened = useTestPlatform({ limits: { retryDelayMs: 100 } });
const CANNOT = hasGit() && hasHttpGit() ? null : 'git-http-backend is not installed';
const SECRET = 'a-token-that-must-not-be-seen';
const seen: string[] = [];

/** Everything that anybody is told in this file is looked through at its end. */
const ask = async (who: 'systemAdmin' | 'admin' | 'member' | 'viewer' | 'foreigner', method: string, at: string, body?: unknown): Promise<Answer> => {
  const answer = await opened().ask(opened()[who].secret, method, at, body);
  seen.push(answer.text, JSON.stringify(answer.headers));
  return answer;
};

describe('git servers and what is signed in with there', () => {
  it('are registered by system admins, for everybody to see', async () => {
    const body = { name: 'forge', kind: 'gitlab', url: 'https://Git.example:8443/lab/', lfsHosts: ['LFS.example'] };
    expect((await ask('admin', 'POST', '/v1/git-endpoints', body)).status).toBe(403);
    const made = await ask('systemAdmin', 'POST', '/v1/git-endpoints', body);
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({
        kind: 'gitlab',
        root: null,
        url: 'https://Git.example:8443/lab',
        apiUrl: 'https://git.example:8443/lab/api/v4',
        lfsHosts: ['lfs.example'],
      }),
    ]);
    const listed = (await ask('foreigner', 'GET', '/v1/git-endpoints')).body.items;
    expect(listed.map((each: { name: string; root: unknown }) => [each.name, each.root])).toEqual([
      ['local', null],
      ['forge', null],
    ]);
    expect((await ask('systemAdmin', 'PATCH', '/v1/git-endpoints/forge', { url: 'https://elsewhere.example' })).body.code).toBe('invalid-request');
    expect((await ask('systemAdmin', 'PATCH', '/v1/git-endpoints/forge', { name: 'local' })).body.code).toBe('name-taken');
    expect((await ask('systemAdmin', 'PATCH', '/v1/git-endpoints/forge', { hostKeys: 'scan' })).body.message).toContain('only servers at ssh://');
    expect((await ask('systemAdmin', 'PATCH', '/v1/git-endpoints/local', { hostKeys: 'scan' })).body.code).toBe('invalid-request');
  });

  it.each([
    'git.example',
    'git@git.example:team',
    'https://user:word@git.example',
    'https://git.example?x=y',
    'https://git.example/#x',
    'https://git.example/../x',
    'ftp://git.example',
    'file:///srv/git',
    'ext::sh -c id',
    'ssh://-oProxyCommand=id/x',
    'ssh://git:word@git.example',
    'ssh://git@-x',
    'https://git.exa\nmple',
    'https://git.example:99999',
    '/srv/git',
    '',
  ])('are refused at what is no address: %j', async (url) => {
    expect((await ask('systemAdmin', 'POST', '/v1/git-endpoints', { name: 'x', kind: 'plain', url })).body).toMatchObject({ code: 'invalid-request' });
  });

  it('take host keys as people have them, and show their fingerprints', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
    const made = await ask('systemAdmin', 'POST', '/v1/git-endpoints', {
      name: 'ssh',
      kind: 'plain',
      url: 'ssh://git@git.example',
      hostKeys: `git.example ${key}`,
    });
    expect(made.body.hostKeys).toEqual([{ type: 'ssh-ed25519', fingerprint: 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU' }]);
    const read = await ask('systemAdmin', 'POST', '/v1/git-host-keys', { hostKeys: `# the lab's\ngit.example ${key}` });
    expect(read.body.items).toEqual([{ ...made.body.hostKeys[0], line: key }]);
    expect((await ask('admin', 'POST', '/v1/git-host-keys', { hostKeys: key })).status).toBe(403);
    for (const body of [{}, { url: 'https://git.example' }, { hostKeys: 'nonsense' }, { url: 'ssh://git.example', hostKeys: key }])
      expect((await ask('systemAdmin', 'POST', '/v1/git-host-keys', body)).body.code, JSON.stringify(body)).toBe('invalid-request');
    for (const hostKeys of ['nonsense', `@cert-authority * ${key}`, ' '])
      expect((await ask('systemAdmin', 'PATCH', '/v1/git-endpoints/ssh', { hostKeys })).body.code, hostKeys).toBe('invalid-request');
  });

  it('are signed in at with what is written once and never shown', async () => {
    const mine = '/v1/tenants/alpha/my-git-credentials/forge';
    const ofTenant = '/v1/tenants/alpha/git-credentials/forge';
    const put = await ask('member', 'PUT', mine, { userName: 'mel', token: SECRET });
    expect([put.status, put.body]).toEqual([200, expect.objectContaining({ owner: 'mine', userName: 'mel', holds: ['token'] })]);
    expect((await ask('member', 'PUT', ofTenant, { token: SECRET })).status).toBe(403);
    expect((await ask('admin', 'PUT', ofTenant, { token: SECRET })).body).toMatchObject({ owner: 'tenant', userName: 'git' });
    const owners = async (who: 'admin' | 'member' | 'foreigner', tenant = 'alpha') =>
      (await ask(who, 'GET', `/v1/tenants/${tenant}/git-credentials`)).body.items.map(({ owner }: { owner: string }) => owner);
    expect([await owners('member'), await owners('admin'), await owners('foreigner', 'beta')]).toEqual([['mine', 'tenant'], ['tenant'], []]);
    expect((await ask('admin', 'DELETE', '/v1/tenants/alpha/my-git-credentials/forge')).body.code, "another person's").toBe('not-found');
    expect((await ask('member', 'PUT', '/v1/tenants/alpha/my-git-credentials/local', { token: SECRET })).body.code).toBe('invalid-request');
    const stored = JSON.stringify(await opened().database.db.selectFrom('git_credentials').selectAll().execute());
    expect(stored).not.toContain(SECRET);
    expect((await ask('member', 'DELETE', mine)).status).toBe(204);
    expect(await owners('member')).toEqual(['tenant']);
  });

  it.each([
    {},
    { token: '' },
    { token: `${SECRET}\r\nX: y` },
    { token: `${SECRET}\0` },
    { token: SECRET.repeat(1000) },
    { userName: 'a:b', token: SECRET },
    { privateKey: SECRET },
    { privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${SECRET}\n-----END OPENSSH PRIVATE KEY-----` },
    { token: SECRET, nonsense: 1 },
  ])('are refused out of form, without being repeated (%#)', async (body) => {
    expect((await ask('admin', 'PUT', '/v1/tenants/alpha/git-credentials/forge', body)).body.code).toBe('invalid-request');
  });

  it('are forgotten with the person who leaves the tenant, and with the endpoint', async () => {
    await opened()
      .makePerson('lea', { alpha: 'member' })
      .then((lea) => opened().must(lea.secret, 'PUT', '/v1/tenants/alpha/my-git-credentials/forge', { token: SECRET }));
    const count = async (): Promise<number> => (await opened().database.db.selectFrom('git_credentials').select('id').execute()).length;
    const before = await count();
    await opened().must(opened().systemAdmin.secret, 'DELETE', '/v1/tenants/alpha/members/lea');
    expect(await count()).toBe(before - 1);
    await opened().must(opened().systemAdmin.secret, 'DELETE', '/v1/git-endpoints/forge');
    expect(await count()).toBe(0);
  });
});

describe.skipIf(CANNOT !== null)(`runs of code from a git server${CANNOT === null ? '' : ` (${CANNOT})`}`, () => {
  const base = mkdtempSync(path.join(tmpdir(), 'sodate-git-api-'));
  const root = path.join(base, 'served');
  const held: { http?: HttpGit; away?: HttpGit; dataset?: string } = {};
  const http = (): HttpGit => held.http as HttpGit;

  const serve = (origin: { readonly folder: string }, name: string): void => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    gitIn(base, 'clone', '--quiet', '--bare', origin.folder, path.join(root, name));
  };
  const withSubmodule = (name: string, url: string): void => {
    const origin = makeOrigin(base, `over-${name}`);
    writeFileSync(path.join(origin.folder, '.gitmodules'), `[submodule "s"]\n\tpath = sub\n\turl = ${url}\n`);
    gitIn(origin.folder, 'add', '.gitmodules');
    gitIn(origin.folder, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`);
    gitIn(origin.folder, 'commit', '--quiet', '-m', 'with a submodule');
    serve(origin, `team/${name}.git`);
  };
  const train = async (who: 'member' | 'foreigner', repository: string, revision?: string): Promise<Answer> => {
    const tenant = who === 'member' ? 'alpha' : 'beta';
    const data = (await opened().must(opened()[who].secret, 'POST', `/v1/tenants/${tenant}/data`, { name: 'd' })).body.id;
    const dataset = (await opened().must(opened()[who].secret, 'POST', `/v1/tenants/${tenant}/datasets`, { name: 's', entries: { training: [data] } })).body.id;
    const git = { endpoint: 'server', repository, ...(revision === undefined ? {} : { revision }) };
    return ask(who, 'POST', `/v1/tenants/${tenant}/trainings`, { name: 't', command: 'true', dataset, git, resources: { cpu: 0.1, memory: 10_000_000 } });
  };

  beforeAll(async () => {
    const isOpen = (name: string): boolean => name.startsWith('/open/');
    held.http = await provideHttpGit({ root, isOpen });
    held.away = await provideHttpGit({ root, isOpen });
    http().passwords.set('robot', SECRET);
    const register = (name: string, url: string) => opened().must(opened().systemAdmin.secret, 'POST', '/v1/git-endpoints', { name, kind: 'plain', url });
    await register('server', http().url);
    await register('away', held.away.url);
    await opened().must(opened().admin.secret, 'PUT', '/v1/tenants/alpha/git-credentials/server', { userName: 'robot', token: SECRET });
  });
  afterAll(async () => {
    await held.http?.close();
    rmSync(base, { recursive: true, force: true });
  });

  it("go with their tenant's credential, and not without", async () => {
    const origin = makeOrigin(base, 'model');
    const commit = origin.commit({ 'train.py': 'print(1)' }, 'first');
    serve(origin, 'team/model.git');
    const submitted = await train('member', 'team/model.git', 'main');
    expect(submitted.status).toBe(201);
    const run = await opened().untilRun('alpha', submitted.body.id, 'succeeded');
    expect(run.details.git).toMatchObject({ commit, revision: 'main', repository: 'team/model.git' });
    for (const revision of [undefined, 'main', commit]) expect((await train('foreigner', 'team/model.git', revision)).body.code).toBe('git-sign-in-needed');
    const at = '/v1/tenants/alpha/git/server';
    expect((await ask('viewer', 'GET', `${at}/branches?repository=team/model.git`)).body.items).toEqual([{ name: 'main', commit, isDefault: true }]);
    expect((await ask('viewer', 'GET', `${at}/commits?repository=team/model.git`)).body.items).toMatchObject([
      { id: commit, author: 'Hana', message: 'first' },
    ]);
    expect((await ask('viewer', 'GET', `${at}/repositories`)).body.code).toBe('git-without-list');
    expect((await ask('foreigner', 'GET', `/v1/tenants/beta/git/server/commits?repository=team/model.git&revision=${commit}`)).body.code).toBe(
      'git-sign-in-needed',
    );
  });

  it('fail as their own fault where a credential does not do, without another try', async () => {
    withSubmodule('needs-closed', '../../closed/thing.git');
    http().before.handle = (request, response) =>
      request.url?.startsWith('/closed/') === true && !!response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(SECRET);
    const { body } = await train('member', 'team/needs-closed.git');
    const run = await opened().untilRun('alpha', body.id, 'failed');
    seen.push(JSON.stringify(run));
    expect(run.failure).toMatchObject({ class: 'user-error', message: expect.stringContaining('git login') });
    expect((await ask('member', 'GET', `/v1/tenants/alpha/runs/${body.id}/attempts`)).body.items).toHaveLength(1);
  });

  it("are tried again where a server is away, as the platform's fault", async () => {
    withSubmodule('needs-away', `${held.away?.url}/open/thing.git`);
    await held.away?.close();
    const { body } = await train('member', 'team/needs-away.git');
    const run = await opened().untilRun('alpha', body.id, 'failed');
    expect(run.failure).toMatchObject({ class: 'platform', message: expect.stringContaining('cannot be reached') });
    expect((await ask('member', 'GET', `/v1/tenants/alpha/runs/${body.id}/attempts`)).body.items.length).toBeGreaterThan(1);
  });
});

describe('whatever was answered here', () => {
  it('holds no secret', () => {
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.filter((text) => text.includes(SECRET))).toEqual([]);
    expect(opened().errorsLogged.filter((line) => line.includes(SECRET))).toEqual([]);
  });
});
