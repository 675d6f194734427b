import { gitIn, hasGit, makeOrigin } from '#git/git-origin.ts';
import { makeGitWorld } from '#git/testing/git-world.ts';
import { hasHttpGit, type HttpGit, provideHttpGit } from '#git/testing/provide-http-git.ts';
import { provideSilentServer } from '#git/testing/provide-silent-server.ts';
import { provideSshGit, type SshGit, whySshGitCannot } from '#git/testing/provide-ssh-git.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const world = makeGitWorld(useTestDatabase());
const { base, root, said, time, git, makeFresh, codeOf, person, endpoint, signIn, resolve, serve } = world;
const TOKEN = 'token-that-must-not-be-seen+/=%';

const CANNOT = hasGit() && hasHttpGit() ? null : 'git-http-backend is not installed';

beforeEach(() => {
  time.ahead = 0;
});
afterAll(world.close);

describe.skipIf(CANNOT !== null)(`git over HTTP${CANNOT === null ? '' : ` (${CANNOT})`}`, () => {
  const http: { server?: HttpGit } = {};
  const served = (): HttpGit => http.server as HttpGit;

  beforeAll(async () => {
    http.server = await provideHttpGit({ root, isOpen: (name) => name.startsWith('/open/') });
    served().passwords.set('hana', TOKEN).set('jun', 'another token');
  });
  beforeEach(() => {
    delete served().before.handle;
  });
  afterAll(() => http.server?.close());

  it('reads what is open to everybody, and a commit that is there without the server', async () => {
    const origin = makeOrigin(base, 'open-origin');
    const commit = origin.commit({ 'a.txt': '1' }, 'first');
    serve(origin, 'open/model.git');
    const server = await endpoint(served().url);
    expect(await resolve(server, 'open/model.git', null)).toBe(commit);
    const asked = served().asked.length;
    expect(await resolve(server, 'open/model.git', null, commit)).toBe(commit);
    const folder = await git().ensureCheckout(server.id, 'open/model.git', commit);
    expect(readFileSync(path.join(folder, 'a.txt'), 'utf8')).toBe('1');
    expect(served().asked.length, 'nothing was asked').toBe(asked);
    expect(await git().listBranches(server.name, 'open/model.git')).toEqual([{ name: 'main', commit, isDefault: true }]);
    expect(await git().listCommits(server.name, 'open/model.git', { limit: 5, skip: 0 })).toMatchObject([{ id: commit, author: 'Hana', message: 'first' }]);
  });

  it("reads with a person's credential, else the tenant's, else none", async () => {
    const origin = makeOrigin(base, 'closed-origin');
    const commit = origin.commit({ a: '1' });
    serve(origin, 'closed/model.git');
    const server = await endpoint(served().url);
    const [hana, jun] = [await person(), await person()];
    expect(await codeOf(resolve(server, 'closed/model.git', hana))).toBe('git-sign-in-needed');
    await signIn(server, hana, { token: TOKEN, ofTenant: true });
    expect(await resolve(server, 'closed/model.git', hana)).toBe(commit);
    const colleague = { tenant: hana.tenant, user: jun.user };
    expect(await resolve(server, 'closed/model.git', colleague), "the tenant's is for all of it").toBe(commit);
    await signIn(server, colleague, { token: 'wrong password' });
    expect(await codeOf(resolve(server, 'closed/model.git', colleague)), "one's own is used, even when it is no good").toBe('git-sign-in-refused');
    await signIn(server, colleague, { token: 'another token', userName: 'jun' });
    expect(await resolve(server, 'closed/model.git', colleague)).toBe(commit);
    expect(served().asked.at(-1)?.authorization).toBe(`Basic ${Buffer.from('jun:another token').toString('base64')}`);
    expect(await codeOf(resolve(server, 'closed/none.git', colleague))).toBe('git-repository-not-found');
  });

  it('shows nobody through the mirrors what their own credential may not read', async () => {
    const origin = makeOrigin(base, 'secret-origin');
    const commit = origin.commit({ secret: 'yes' });
    serve(origin, 'closed/secret.git');
    const server = await endpoint(served().url);
    const [reader, stranger] = [await person(), await person()];
    await signIn(server, reader, { token: TOKEN });
    expect(await resolve(server, 'closed/secret.git', reader)).toBe(commit);
    for (const revision of [commit, commit.slice(0, 8), 'main', undefined])
      expect(await codeOf(resolve(server, 'closed/secret.git', stranger, revision)), String(revision)).toBe('git-sign-in-needed');
    expect(await codeOf(git().listCommits(server.name, 'closed/secret.git', { revision: commit, limit: 1, skip: 0 }, stranger))).toBe('git-sign-in-needed');
    await signIn(server, stranger, { token: 'wrong' });
    expect(await codeOf(resolve(server, 'closed/secret.git', stranger, commit))).toBe('git-sign-in-refused');
    // What was shown holds for some minutes, and for the credential that it was shown to.
    const asked = served().asked.length;
    expect(await resolve(server, 'closed/secret.git', reader, commit)).toBe(commit);
    expect(served().asked.length).toBe(asked);
    time.ahead = 6 * 60_000;
    served().passwords.set('hana', 'changed');
    expect(await codeOf(resolve(server, 'closed/secret.git', reader, commit))).toBe('git-sign-in-refused');
    served().passwords.set('hana', TOKEN);
    expect(await resolve(server, 'closed/secret.git', reader, commit)).toBe(commit);
    await signIn(server, reader, { token: 'replaced by something wrong' });
    expect(await codeOf(resolve(server, 'closed/secret.git', reader, commit))).toBe('git-sign-in-refused');
  });

  it('brings only what changed, and keeps what a force-push has thrown away', async () => {
    const origin = makeOrigin(base, 'growing-origin');
    const many = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, at) => [`folder-${at % 40}/file-${at}.txt`, `${at} ${'x'.repeat(at % 97)} ${at * 7919}\n`]),
    );
    const first = origin.commit(many, 'many files');
    const bare = serve(origin, 'open/growing.git');
    const server = await endpoint(served().url);
    const before = served().sent.bytes;
    expect(await resolve(server, 'open/growing.git', null)).toBe(first);
    const whole = served().sent.bytes - before;
    const second = origin.commit({ 'folder-1/file-1.txt': 'changed\n' }, 'one file');
    gitIn(origin.folder, 'push', '--quiet', bare, 'main');
    const between = served().sent.bytes;
    expect(await resolve(server, 'open/growing.git', null)).toBe(second);
    expect(served().sent.bytes - between).toBeLessThan(whole / 10);

    gitIn(origin.folder, 'reset', '--quiet', '--hard', first);
    const rewritten = origin.commit({ other: '1' }, 'rewritten');
    gitIn(origin.folder, 'push', '--quiet', '--force', bare, 'main');
    gitIn(bare, 'reflog', 'expire', '--expire=now', '--all');
    gitIn(bare, 'gc', '--quiet', '--prune=now');
    expect(await resolve(server, 'open/growing.git', null, 'main')).toBe(rewritten);
    expect(await resolve(server, 'open/growing.git', null, second), 'as a run that is copied asks for it').toBe(second);
    const folder = await git().ensureCheckout(server.id, 'open/growing.git', second);
    expect(readFileSync(path.join(folder, 'folder-1/file-1.txt'), 'utf8')).toBe('changed\n');
    expect(gitIn(folder, 'status', '--porcelain')).toBe('');
    expect(readFileSync(path.join(folder, '.git/config'), 'utf8')).not.toContain('127.0.0.1');
  });

  it('finds a commit that is no tip, also at a server that gives out tips only', async () => {
    const origin = makeOrigin(base, 'old-origin');
    const first = origin.commit({ a: '1' });
    origin.commit({ a: '2' });
    const bare = serve(origin, 'open/old.git');
    // Protocol version 0, in which such servers speak.
    served().before.handle = (request) => {
      delete request.headers['git-protocol'];
      return false;
    };
    gitIn(bare, 'config', 'uploadpack.allowTipSHA1InWant', 'false');
    const server = await endpoint(served().url);
    expect(await resolve(server, 'open/old.git', null, first)).toBe(first);
    expect(await resolve(server, 'open/old.git', null, first.slice(0, 9))).toBe(first);
    expect(await codeOf(resolve(server, 'open/old.git', null, 'f'.repeat(40)))).toBe('git-revision-not-found');
  });

  it('takes nothing that people or repositories name for an option or a command', async () => {
    const origin = makeOrigin(base, 'odd-origin');
    const commit = origin.commit({ a: '1' });
    const bare = serve(origin, 'open/odd.git');
    const witness = path.join(base, 'witness');
    gitIn(bare, 'update-ref', `refs/heads/--upload-pack=touch`, commit);
    gitIn(bare, 'update-ref', 'refs/heads/$(touch)', commit);
    const server = await endpoint(served().url);
    expect((await git().listBranches(server.name, 'open/odd.git')).map(({ name }) => name)).toContain('--upload-pack=touch');
    for (const name of [`--upload-pack=touch ${witness}`, '$(touch)', '`id`', '-c', 'HEAD@{1}', '../odd.git'])
      expect(await codeOf(resolve(server, 'open/odd.git', null, name)), name).toBe(name === '$(touch)' ? 'nothing was thrown' : 'git-revision-not-found');
    for (const name of ['../../etc', 'open/odd.git?service=x', 'open/odd.git#x', '--help', `ext::touch ${witness}`, 'open/odd.git\n-x'])
      expect(await codeOf(resolve(server, name, null)), name).toMatch(/git-repository-not-found|git-sign-in-needed|git-failed/);
    expect(existsSync(witness)).toBe(false);
  });

  it('says what is wrong with a server that is none, sends elsewhere, breaks off or is not there', async () => {
    const server = await endpoint(served().url);
    const say = async (handle: NonNullable<HttpGit['before']['handle']>): Promise<string> => {
      served().before.handle = handle;
      const error = await resolve(server, 'open/model.git', null).catch((each: unknown) => each);
      if (!isSodateError(error)) throw error;
      said.push(error.message);
      return `${error.code}: ${error.message}`;
    };
    expect(await say((_request, response) => !!response.end('<html>hello</html>'))).toMatch(/git-failed.*no git repository/);
    expect(
      await say(
        (_request, response) => !!response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }).end('zzzz\0\u0001garbage'),
      ),
    ).toMatch(/git-failed.*no git repository/);
    expect(await say((_request, response) => !!response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())).toMatch(/unreachable.*not followed/);
    expect(await say((_request, response) => !!response.writeHead(503).end())).toMatch(/unreachable.*503/);
    expect(await say((request) => !!request.socket.destroy())).toMatch(/unreachable.*broke it off/);
    expect(await say((request) => !!request.socket.end('not HTTP at all\r\n\r\n'))).toMatch(/^git-(failed|server-unreachable)/);
    const nowhere = await endpoint('http://127.0.0.1:9');
    expect(await codeOf(resolve(nowhere, 'a/b', null))).toBe('git-server-unreachable');
    const metadata = await endpoint('http://169.254.169.254');
    const refused = await resolve(metadata, 'latest/meta-data', null).catch((each: unknown) => each);
    expect(refused).toMatchObject({ code: 'git-server-unreachable', params: { reason: expect.stringContaining('never asked') } });
  });

  it('gives up a server that is silent, leaves nothing of it running, and does not keep others waiting', async () => {
    const silent = await provideSilentServer();
    const impatient = makeFresh(700);
    const server = await endpoint(silent.url);
    expect(await codeOf(resolve(server, 'a/b', null, undefined, impatient))).toBe('git-server-silent');
    expect(silent.connections(), 'it was asked').toBeGreaterThan(0);
    await silent.allGone();
    const asked = silent.connections();
    expect(await codeOf(resolve(server, 'a/b', null, undefined, impatient)), 'told at once, from what was just seen').toBe('git-server-silent');
    expect(silent.connections()).toBe(asked);
    const waiting = resolve(server, 'a/b', null, undefined, makeFresh());
    const ended = codeOf(waiting);
    await expect.poll(() => silent.connections()).toBeGreaterThan(asked);
    const origin = makeOrigin(base, 'meanwhile-origin');
    const commit = origin.commit({ a: '1' });
    serve(origin, 'open/meanwhile.git');
    expect(await resolve(await endpoint(served().url), 'open/meanwhile.git', null)).toBe(commit);
    await silent.close();
    expect(await ended).toMatch(/unreachable|git-failed/);
  });

  it('ends what it runs when it is closed', async () => {
    const silent = await provideSilentServer();
    const closing = makeFresh();
    const ended = codeOf(resolve(await endpoint(silent.url), 'a/b', null, undefined, closing));
    await expect.poll(() => silent.connections()).toBeGreaterThan(0);
    closing.close();
    expect(await ended).toBe('shutting-down');
    await silent.allGone();
    expect(await codeOf(resolve(await endpoint(served().url), 'open/model.git', null, undefined, closing))).toBe('shutting-down');
    await silent.close();
  });
});

const SSH_CANNOT = hasGit() ? whySshGitCannot() : 'git is not installed';

describe.skipIf(SSH_CANNOT !== null)(`git over SSH${SSH_CANNOT === null ? '' : ` (${SSH_CANNOT})`}`, () => {
  const ssh: { server?: SshGit } = {};
  const served = (): SshGit => ssh.server as SshGit;

  beforeAll(async () => {
    ssh.server = await provideSshGit(path.join(base, 'sshd'));
  });
  afterAll(() => ssh.server?.close());

  it('reads with a key and leaves none behind', async () => {
    const origin = makeOrigin(base, 'ssh-origin');
    const commit = origin.commit({ a: '1' });
    serve(origin, 'ssh/モデル.git');
    const server = await endpoint(`${served().url}${root}`, { hostKeys: served().hostKey() });
    const [reader, stranger] = [await person(), await person()];
    expect(await codeOf(resolve(server, 'ssh/モデル.git', reader))).toBe('git-sign-in-needed');
    await signIn(server, reader, { privateKey: served().privateKey });
    expect(await resolve(server, 'ssh/モデル.git', reader)).toBe(commit);
    expect(await codeOf(resolve(server, 'ssh/none.git', reader))).toBe('git-repository-not-found');
    await signIn(server, stranger, { privateKey: served().strangersKey });
    expect(await codeOf(resolve(server, 'ssh/モデル.git', stranger, commit))).toBe('git-sign-in-refused');
    expect(readdirSync(path.join(base, 'home/git/tmp'))).toEqual([]);
    expect(gitIn(await git().ensureCheckout(server.id, 'ssh/モデル.git', commit), 'rev-parse', 'HEAD')).toBe(commit);
  });

  it('keeps the keys that a server first shows, and refuses it under another one', async () => {
    const origin = makeOrigin(base, 'pinned-origin');
    const commit = origin.commit({ a: '1' });
    serve(origin, 'ssh/pinned.git');
    const server = await endpoint(`${served().url}${root}`);
    expect(server.hostKeys.map(({ type, key }) => `${type} ${key}`)).toEqual([served().hostKey()]);
    const reader = await person();
    await signIn(server, reader, { privateKey: served().privateKey });
    expect(await resolve(server, 'ssh/pinned.git', reader)).toBe(commit);
    await served().changeHostKey();
    expect(await codeOf(resolve(server, 'ssh/pinned.git', reader))).toBe('git-host-key-changed');
    expect(await resolve(server, 'ssh/pinned.git', reader, commit), 'what is there needs no server').toBe(commit);
    const [shown] = await git().readHostKeys({ url: `${served().url}${root}` });
    expect([`${shown?.type} ${shown?.key}`, await codeOf(resolve(server, 'ssh/pinned.git', reader, 'main'))], 'looking keeps nothing').toEqual([
      served().hostKey(),
      'git-host-key-changed',
    ]);
    await git().updateEndpoint(server.name, { hostKeys: 'scan' });
    expect(await resolve(server, 'ssh/pinned.git', reader, 'main')).toBe(commit);
    await git().updateEndpoint(server.name, { hostKeys: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl' });
    expect(await codeOf(resolve(server, 'ssh/pinned.git', reader, 'main')), 'a wrong one was given').toBe('git-host-key-changed');
  });

  it('says when nobody is there, and when what is there is silent or no SSH server', async () => {
    const reader = await person();
    const key = served().hostKey();
    const nowhere = await endpoint('ssh://git@127.0.0.1:9', { hostKeys: key });
    await signIn(nowhere, reader, { privateKey: served().privateKey });
    expect(await codeOf(resolve(nowhere, 'a', reader))).toBe('git-server-unreachable');
    expect(await codeOf(git().createEndpoint({ id: newId<GitEndpointId>(), name: 'x', kind: 'plain', url: 'ssh://git@127.0.0.1:9', lfsHosts: [] }))).toBe(
      'git-server-unreachable',
    );
    const silent = await provideSilentServer();
    const quiet = await endpoint(silent.url.replace('http:', 'ssh:'), { hostKeys: key });
    await signIn(quiet, reader, { privateKey: served().privateKey });
    expect(await codeOf(resolve(quiet, 'a', reader, undefined, makeFresh(700)))).toBe('git-server-silent');
    await silent.allGone();
    await silent.close();
  });
});

describe('what was said and written meanwhile', () => {
  it('holds no secret', () => {
    const all = said.join('\n');
    for (const secret of [TOKEN, encodeURIComponent(TOKEN), Buffer.from(`hana:${TOKEN}`).toString('base64'), 'BEGIN OPENSSH', 'another token'])
      expect(all.includes(secret), secret).toBe(false);
    if (CANNOT === null) expect(all).toContain('git-server');
  });
});
