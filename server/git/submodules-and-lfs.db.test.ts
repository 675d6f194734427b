import { gitIn, hasGit, makeOrigin } from '#git/git-origin.ts';
import { answerLfs, type LfsAnswer, lfsPointerOf, type LfsQuestion } from '#git/testing/answer-lfs.ts';
import { makeGitWorld } from '#git/testing/git-world.ts';
import { hasHttpGit, type HttpGit, provideHttpGit } from '#git/testing/provide-http-git.ts';
import { provideSshGit, type SshGit, whySshGitCannot } from '#git/testing/provide-ssh-git.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const world = makeGitWorld(useTestDatabase());
const { base, root, local, git, codeOf, errorOf, person, endpoint, signIn, resolve, serve } = world;
const CANNOT = hasGit() && hasHttpGit() ? null : 'git-http-backend is not installed';
const TOKEN = 'a token of the tests';
const http: { server?: HttpGit } = {};
const served = (): HttpGit => http.server as HttpGit;

beforeAll(async () => {
  if (CANNOT !== null) return;
  http.server = await provideHttpGit({ root, isOpen: (name) => name.startsWith('/open/') });
  served().passwords.set('hana', TOKEN);
});
beforeEach(() => {
  if (http.server) delete served().before.handle;
});
afterAll(async () => {
  await http.server?.close();
  world.close();
});

/** A commit with submodules, each by path, address and commit, as `git submodule add` makes them. */
function commitWithSubmodules(origin: ReturnType<typeof makeOrigin>, submodules: readonly (readonly [place: string, url: string, commit: string])[]): string {
  const text = submodules.map(([place, url], at) => `[submodule "s${at}"]\n\tpath = ${place}\n\turl = ${url}\n`).join('');
  writeFileSync(path.join(origin.folder, '.gitmodules'), text);
  writeFileSync(path.join(origin.folder, 'top.txt'), 'top');
  gitIn(origin.folder, 'add', '.gitmodules', 'top.txt');
  for (const [place, , commit] of submodules) gitIn(origin.folder, 'update-index', '--add', '--cacheinfo', `160000,${commit},${place}`);
  gitIn(origin.folder, 'commit', '--quiet', '-m', 'with submodules');
  return gitIn(origin.folder, 'rev-parse', 'HEAD');
}

describe.skipIf(CANNOT !== null)(`submodules${CANNOT === null ? '' : ` (${CANNOT})`}`, () => {
  it('are checked out within, however deep, each as it was', async () => {
    const inner = makeOrigin(base, 'inner');
    const innerCommit = inner.commit({ 'inner.txt': 'inner' });
    serve(inner, 'open/lib/inner.git');
    const middle = makeOrigin(base, 'middle');
    const middleCommit = commitWithSubmodules(middle, [['deep/inner', '../lib/inner.git', innerCommit]]);
    serve(middle, 'open/middle.git');
    middle.commit({ 'later.txt': 'not yet' });
    const top = makeOrigin(base, 'top');
    const commit = commitWithSubmodules(top, [
      ['third-party/middle', `${served().url}/open/middle.git`, middleCommit],
      ['inner', '../lib/inner.git', innerCommit],
    ]);
    serve(top, 'open/top.git');
    const server = await endpoint(served().url);
    expect(await resolve(server, 'open/top.git', null)).toBe(commit);
    const folder = await git().ensureCheckout(server.id, 'open/top.git', commit);
    for (const file of ['inner/inner.txt', 'third-party/middle/deep/inner/inner.txt']) expect(readFileSync(path.join(folder, file), 'utf8')).toBe('inner');
    expect(existsSync(path.join(folder, 'third-party/middle/later.txt'))).toBe(false);
    expect(gitIn(path.join(folder, 'third-party/middle'), 'rev-parse', 'HEAD')).toBe(middleCommit);
    expect(gitIn(folder, 'status', '--porcelain')).toBe('');
    expect(await git().ensureCheckout(server.id, 'open/top.git', commit)).toBe(folder);
  });

  it("are kept from a tenant that may not read them, though another's run has brought them", async () => {
    const hidden = makeOrigin(base, 'hidden');
    const hiddenCommit = hidden.commit({ secret: 'yes' });
    serve(hidden, 'closed/hidden.git');
    const top = makeOrigin(base, 'over-hidden');
    const commit = commitWithSubmodules(top, [['sub', '../../closed/hidden.git', hiddenCommit]]);
    serve(top, 'open/over-hidden.git');
    const server = await endpoint(served().url);
    const [reader, stranger] = [await person(), await person()];
    await signIn(server, reader, { token: TOKEN });
    for (const each of [reader, stranger]) expect(await resolve(server, 'open/over-hidden.git', each)).toBe(commit);
    const folder = await git().ensureCheckout(server.id, 'open/over-hidden.git', commit, async () => reader);
    expect(readFileSync(path.join(folder, 'sub/secret'), 'utf8')).toBe('yes');
    const refused = await errorOf(git().ensureCheckout(server.id, 'open/over-hidden.git', commit, async () => stranger));
    expect(refused).toMatchObject({ code: 'git-submodule-refused', params: { submodule: 'sub', reason: expect.stringContaining('git login') } });
    expect(readdirSync(path.join(base, 'home/git/tmp'))).toEqual([]);
  });

  it('come from another registered server only as everybody sees it, and from nowhere else', async () => {
    const other = await provideHttpGit({ root, isOpen: (name) => name.startsWith('/open/') });
    other.passwords.set('hana', TOKEN);
    const lib = makeOrigin(base, 'lib');
    const libCommit = lib.commit({ lib: '1' });
    serve(lib, 'open/elsewhere.git');
    serve(lib, 'closed/elsewhere.git');
    const server = await endpoint(served().url);
    const reader = await person();
    await signIn(server, reader, { token: TOKEN });
    const attempt = async (name: string, url: string): Promise<unknown> => {
      const top = makeOrigin(base, name);
      const commit = commitWithSubmodules(top, [['sub', url, libCommit]]);
      serve(top, `open/${name}.git`);
      await resolve(server, `open/${name}.git`, reader);
      return errorOf(git().ensureCheckout(server.id, `open/${name}.git`, commit, async () => reader));
    };
    const unregistered = await attempt('to-nowhere', `${other.url.replace('://', '://user:hidden@')}/open/elsewhere.git`);
    expect(unregistered).toMatchObject({ code: 'git-submodule-refused', params: { reason: expect.stringContaining('no registered git server') } });
    expect(JSON.stringify(unregistered)).not.toContain('hidden');
    expect(other.asked, 'nobody was asked').toEqual([]);
    const registered = await endpoint(other.url);
    await signIn(registered, reader, { token: TOKEN });
    expect(await attempt('to-open', `${other.url}/open/elsewhere.git`)).toBeNull();
    expect(await attempt('to-closed', `${other.url}/closed/elsewhere.git`)).toMatchObject({ code: 'git-submodule-refused' });
    expect(
      other.asked.every(({ authorization }) => authorization === undefined),
      "the reader's credential stayed here",
    ).toBe(true);
    await other.close();
  });

  it('are refused at addresses that are none for us, of which nothing is run or asked', async () => {
    const witness = path.join(base, 'witness');
    const lib = makeOrigin(base, 'hostile-lib').commit({ lib: '1' });
    const top = makeOrigin(base, 'hostile-top');
    const urls = [local, `file://${local}`, `ext::touch ${witness}`, '../../../etc', '--upload-pack=x', 'http://169.254.169.254/x'];
    const commits = urls.map((url) => [url, commitWithSubmodules(top, [['sub', url, lib]])] as const);
    serve(top, 'open/hostile.git');
    const server = await endpoint(served().url);
    await resolve(server, 'open/hostile.git', null);
    for (const [url, commit] of commits) expect(await codeOf(git().ensureCheckout(server.id, 'open/hostile.git', commit)), url).toBe('git-submodule-refused');
    expect(existsSync(witness)).toBe(false);
  });

  it('end where they go in a circle', async () => {
    const top = makeOrigin(base, 'circle');
    const first = top.commit({ a: '1' });
    // The commit below it refers to the same address; a real circle cannot be made of hashes, a long chain can.
    const chain = [first];
    for (let at = 0; at < 7; at += 1) chain.push(commitWithSubmodules(top, [['sub', '../circle.git', chain.at(-1) ?? '']]));
    serve(top, 'open/circle.git');
    const server = await endpoint(served().url);
    const commit = await resolve(server, 'open/circle.git', null);
    expect(await errorOf(git().ensureCheckout(server.id, 'open/circle.git', commit))).toMatchObject({
      code: 'git-submodule-refused',
      params: { reason: expect.stringContaining('nested') },
    });
  });

  it('of a folder on this machine lie in it too', async () => {
    const lib = makeOrigin(local, 'team/lib');
    const libCommit = lib.commit({ lib: '1' });
    const top = makeOrigin(local, 'team/top');
    const commit = commitWithSubmodules(top, [['sub', '../lib', libCommit]]);
    const id = newId<GitEndpointId>();
    await git().createEndpoint({ id, name: 'folders', kind: 'local', root: local });
    expect(await resolve({ name: 'folders' }, 'team/top', null)).toBe(commit);
    expect(readFileSync(path.join(await git().ensureCheckout(id, 'team/top', commit), 'sub/lib'), 'utf8')).toBe('1');
  });
});

describe.skipIf(CANNOT !== null)(`Git LFS${CANNOT === null ? '' : ` (${CANNOT})`}`, () => {
  const weights = randomBytes(300_000);
  const { oid, pointer } = lfsPointerOf(weights);
  const asked: LfsQuestion[] = [];

  const lfs = (answer: LfsAnswer) => answerLfs(() => served().url, weights, asked, answer);

  const makeModel = (name: string): { readonly commit: string; readonly repository: string } => {
    const origin = makeOrigin(base, name.replaceAll('/', '-'));
    const commit = origin.commit({
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      'model/weights.bin': pointer,
      'model/same.bin': pointer,
      'plain.bin': 'no pointer at all',
      'pointer.txt': pointer,
    });
    serve(origin, `${name}.git`);
    return { commit, repository: `${name}.git` };
  };

  it('content stands in place of its pointers, and is brought once', async () => {
    const { commit, repository } = makeModel('closed/lfs');
    const server = await endpoint(served().url);
    const reader = await person();
    await signIn(server, reader, { token: TOKEN });
    await resolve(server, repository, reader);
    served().before.handle = lfs({});
    const folder = await git().ensureCheckout(server.id, repository, commit, async () => reader);
    for (const file of ['model/weights.bin', 'model/same.bin']) expect(readFileSync(path.join(folder, file)).equals(weights)).toBe(true);
    expect(readFileSync(path.join(folder, 'plain.bin'), 'utf8')).toBe('no pointer at all');
    expect(readFileSync(path.join(folder, 'pointer.txt'), 'utf8'), 'not marked as kept by Git LFS').toBe(pointer);
    expect(gitIn(folder, 'status', '--porcelain')).toBe('');
    expect(asked.map((each) => each.path)).toEqual(['/closed/lfs.git/info/lfs/objects/batch', `/storage/${oid}`]);
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from(`hana:${TOKEN}`).toString('base64')}`);
    expect(asked[1]?.authorization, 'the storage gets what the server gave for it, nothing more').toBeUndefined();
    expect(statSync(path.join(folder, 'model/weights.bin')).mode & 0o111).toBe(0);
  });

  it('is refused when it cannot be had as it should be, and nothing is left half-made', async () => {
    const { commit, repository } = makeModel('open/lfs-broken');
    const server = await endpoint(served().url);
    await resolve(server, repository, null);
    const elsewhere = 'a system admin allows it';
    const cases: readonly (readonly [answer: LfsAnswer, reason: string])[] = [
      [{ error: 404 }, 'does not have it'],
      [{ status: 500 }, '500'],
      [{ content: randomBytes(300_000) }, 'not what the pointer means'],
      [{ content: Buffer.from('short') }, 'not what the pointer means'],
      [{ content: randomBytes(300_001) }, 'more arrives'],
      [{ href: (id) => `http://127.0.0.1:9/${id}` }, elsewhere],
      [{ href: () => 'http://169.254.169.254/latest' }, elsewhere],
      [{ href: () => 'file:///etc/passwd' }, elsewhere],
    ];
    for (const [answer, reason] of cases) {
      served().before.handle = lfs(answer);
      expect(await errorOf(git().ensureCheckout(server.id, repository, commit)), reason).toMatchObject({
        code: 'git-lfs-missing',
        params: { file: expect.stringMatching(/^model\//), reason: expect.stringContaining(reason) },
      });
      expect(readdirSync(path.join(base, 'home/git/tmp'))).toEqual([]);
    }
    served().before.handle = lfs({});
    expect(readFileSync(path.join(await git().ensureCheckout(server.id, repository, commit), 'model/weights.bin')).equals(weights)).toBe(true);
  });

  it('says so when a server knows nothing of it', async () => {
    const { commit, repository } = makeModel('open/lfs-unknown');
    const server = await endpoint(served().url);
    await resolve(server, repository, null);
    expect(await codeOf(git().ensureCheckout(server.id, repository, commit))).toBe('git-lfs-missing');
  });

  it('content of a folder on this machine lies beside the repository', async () => {
    const origin = makeOrigin(local, 'lfs/model');
    const commit = origin.commit({ '.gitattributes': '*.bin filter=lfs -text\n', 'w.bin': pointer });
    const id = newId<GitEndpointId>();
    await git().createEndpoint({ id, name: 'lfs-folders', kind: 'local', root: local });
    await resolve({ name: 'lfs-folders' }, 'lfs/model', null);
    expect(await errorOf(git().ensureCheckout(id, 'lfs/model', commit))).toMatchObject({
      code: 'git-lfs-missing',
      params: { reason: expect.stringContaining('git lfs fetch') },
    });
    const kept = path.join(origin.folder, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4));
    mkdirSync(kept, { recursive: true });
    writeFileSync(path.join(kept, oid), weights);
    expect(readFileSync(path.join(await git().ensureCheckout(id, 'lfs/model', commit), 'w.bin')).equals(weights)).toBe(true);
  });

  const SSH_CANNOT = whySshGitCannot();
  it.skipIf(SSH_CANNOT !== null)(`over SSH the server tells where it is${SSH_CANNOT === null ? '' : ` (${SSH_CANNOT})`}`, async () => {
    const ssh: SshGit = await provideSshGit(path.join(base, 'sshd'));
    try {
      const { commit, repository } = makeModel('closed/lfs-ssh');
      const reader = await person();
      const make = async (lfsHosts: readonly string[]) => {
        const server = await endpoint(`${ssh.url}${root}`, { hostKeys: ssh.hostKey(), lfsHosts });
        await signIn(server, reader, { privateKey: ssh.privateKey });
        await resolve(server, repository, reader);
        return errorOf(git().ensureCheckout(server.id, repository, commit, async () => reader));
      };
      expect(await make([]), 'no such command there').toMatchObject({ code: 'git-lfs-missing' });
      ssh.answer('git-lfs-authenticate', JSON.stringify({ href: `${served().url}/x.git/info/lfs/`, header: { Authorization: 'RemoteAuth of the tests' } }));
      served().before.handle = lfs({});
      expect(await make([]), 'not the host itself').toMatchObject({ params: { reason: expect.stringContaining('--lfs-host') } });
      expect(await make([new URL(served().url).host])).toBeNull();
      expect(asked.some(({ authorization }) => authorization === 'RemoteAuth of the tests')).toBe(true);
    } finally {
      await ssh.close();
    }
  });
});
