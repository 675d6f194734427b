import { gitIn, hasGit, makeOrigin } from '#git/git-origin.ts';
import { makeGit, type Git } from '#git/git.ts';
import { systemClock } from '#kit/clock.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { SodateError, type ErrorCode } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const codeOf = async (work: Promise<unknown>): Promise<ErrorCode | 'nothing was thrown'> => {
  try {
    await work;
    return 'nothing was thrown';
  } catch (error) {
    if (error instanceof SodateError) return error.code;
    throw error;
  }
};

describe.skipIf(!hasGit())('git (needs the program git)', () => {
  const database = useTestDatabase();
  const base = mkdtempSync(path.join(tmpdir(), 'sodate-git-'));
  const gitRoot = path.join(base, 'repositories');
  const home = path.join(base, 'home');
  let git: Git;
  let endpoint: GitEndpointId;
  const again = (): Git =>
    makeGit({ db: database().db, folder: path.join(home, 'git'), gitRoot, clock: systemClock, log: silentLog, sealed: makeSealedSecrets(Buffer.alloc(32)) });

  beforeAll(async () => {
    mkdirSync(gitRoot, { recursive: true });
    git = again();
    endpoint = newId<GitEndpointId>();
    await git.createEndpoint({ id: endpoint, name: 'local', kind: 'local', root: gitRoot });
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  const resolve = (repository: string, revision?: string): Promise<string> =>
    git.resolveSource({ repository, ...(revision === undefined ? {} : { revision }) }).then(({ commit }) => commit);

  it('finds HEAD, branches, tags and commits, full and abbreviated', async () => {
    const origin = makeOrigin(gitRoot, 'team/model');
    const first = origin.commit({ 'a.txt': '1' }, 'first');
    gitIn(origin.folder, 'tag', 'light');
    gitIn(origin.folder, 'tag', '-a', 'v1.0', '-m', 'annotated');
    gitIn(origin.folder, 'branch', 'feature/x+y@2');
    const second = origin.commit({ 'a.txt': '2' }, 'second');
    gitIn(origin.folder, 'tag', 'main-too');
    gitIn(origin.folder, 'branch', 'main-too', first);

    expect(await git.resolveSource({ repository: 'team/model' })).toEqual({
      endpoint: { id: endpoint, name: 'local' },
      repository: 'team/model',
      revision: null,
      commit: second,
    });
    expect(await resolve('team/model', 'HEAD')).toBe(second);
    expect(await resolve('team/model', 'main')).toBe(second);
    expect(await resolve('team/model', 'refs/heads/main')).toBe(second);
    expect(await resolve('team/model', 'feature/x+y@2')).toBe(first);
    expect(await resolve('team/model', 'light')).toBe(first);
    expect(await resolve('team/model', 'refs/tags/light')).toBe(first);
    expect(await resolve('team/model', 'v1.0')).toBe(first);
    expect(await resolve('team/model', first)).toBe(first);
    expect(await resolve('team/model', first.slice(0, 7))).toBe(first);
    expect(await resolve('team/model', 'main-too'), 'a branch wins over a tag').toBe(first);
  });

  it('reads bare repositories, and those of other owners', async () => {
    const origin = makeOrigin(gitRoot, 'work');
    const commit = origin.commit({ a: '1' });
    gitIn(gitRoot, 'clone', '--quiet', '--bare', origin.folder, 'bare.git');
    if (process.getuid?.() === 0) {
      chownSync(path.join(gitRoot, 'bare.git'), 12_345, 12_345);
    }
    expect(await resolve('bare.git')).toBe(commit);
    expect((await git.listRepositories('local', { limit: 200 })).items).toEqual(expect.arrayContaining(['bare.git', 'team/model', 'work']));
  });

  it('says what is not there, and what is', async () => {
    makeOrigin(gitRoot, 'empty');
    const missing = await git.resolveSource({ repository: 'team/modle' }).catch((error: unknown) => error);
    expect(missing).toMatchObject({
      code: 'git-repository-not-found',
      params: { repository: 'team/modle', endpoint: 'local', known: expect.stringContaining('team/model') },
    });
    for (const revision of ['nope', 'deadbeef', 'f'.repeat(40), 'refs/heads/nope', 'main~1', 'v1.0^{}']) {
      expect(await codeOf(resolve('team/model', revision)), revision).toBe('git-revision-not-found');
    }
    expect(await codeOf(resolve('empty'))).toBe('git-revision-not-found');
    expect(await codeOf(git.resolveSource({ endpoint: 'elsewhere', repository: 'team/model' }))).toBe('not-found');
    expect(await codeOf(git.ensureCheckout(endpoint, 'team/model', 'e'.repeat(40)))).toBe('git-revision-not-found');
  });

  it('takes nothing for an option', async () => {
    const witness = path.join(base, 'witness');
    for (const name of ['--upload-pack=touch', `--upload-pack=touch ${witness}`, '-c', '--help']) {
      expect(await codeOf(resolve(name)), name).toBe('git-repository-not-found');
      expect(await codeOf(resolve('team/model', name)), name).toBe('git-revision-not-found');
    }
    // A folder and a branch that really have such names.
    const odd = makeOrigin(gitRoot, '-x');
    const commit = odd.commit({ a: '1' });
    gitIn(odd.folder, 'update-ref', 'refs/heads/--output=x', commit);
    expect(await codeOf(resolve('-x'))).toBe('git-repository-not-found');
    expect(existsSync(witness)).toBe(false);
  });

  it('never leaves the root', async () => {
    const outside = makeOrigin(base, 'outside');
    const secret = outside.commit({ secret: 'yes' });
    const inside = makeOrigin(gitRoot, 'inside');
    inside.commit({ a: '1' });
    symlinkSync(outside.folder, path.join(gitRoot, 'link'));
    mkdirSync(path.join(gitRoot, 'pointer'));
    writeFileSync(path.join(gitRoot, 'pointer', '.git'), `gitdir: ${outside.folder}/.git\n`);
    mkdirSync(path.join(gitRoot, 'linked'));
    symlinkSync(path.join(outside.folder, '.git'), path.join(gitRoot, 'linked', '.git'));
    gitIn(gitRoot, 'clone', '--quiet', '--shared', outside.folder, 'borrowed');
    mkdirSync(path.join(gitRoot, 'common.git'));
    for (const name of ['HEAD', 'config']) writeFileSync(path.join(gitRoot, 'common.git', name), readFileSync(path.join(outside.folder, '.git', name)));
    writeFileSync(path.join(gitRoot, 'common.git', 'commondir'), `${outside.folder}/.git\n`);
    // The git directory itself is in order, but git by itself would look for a .git below it first.
    writeFileSync(path.join(inside.folder, '.git', '.git'), `gitdir: ${outside.folder}/.git\n`);

    for (const name of ['../outside', 'inside/../../outside', '/etc', 'link', 'pointer', 'linked', 'borrowed', 'common.git', '.', '..', 'inside/.git']) {
      expect(await codeOf(git.resolveSource({ repository: name })), name).toBe('git-repository-not-found');
    }
    expect(await codeOf(resolve('inside', secret))).toBe('git-revision-not-found');
    expect((await git.listRepositories('local', { limit: 200 })).items).not.toEqual(expect.arrayContaining(['link']));
    for (const name of ['pointer', 'linked', 'borrowed', 'common.git', 'inside/.git/.git']) rmSync(path.join(gitRoot, name), { recursive: true, force: true });
  });

  it('runs nothing that a repository brings along', async () => {
    const witness = path.join(base, 'ran');
    const origin = makeOrigin(gitRoot, 'hostile');
    writeFileSync(path.join(origin.folder, '.gitattributes'), '* filter=evil diff=evil\n');
    const commit = origin.commit({ a: '1' });
    const script = `touch ${witness}`;
    for (const [key, value] of Object.entries({
      'core.fsmonitor': script,
      'core.sshCommand': script,
      'uploadpack.packObjectsHook': script,
      'filter.evil.smudge': script,
      'filter.evil.clean': script,
      'gpg.program': script,
      'log.showSignature': 'true',
      'core.pager': script,
      'diff.evil.command': script,
      'core.alternateRefsCommand': script,
      'alias.cat-file': `!${script}`,
    }))
      gitIn(origin.folder, 'config', key, value);
    mkdirSync(path.join(origin.folder, '.git', 'hooks'), { recursive: true });
    for (const hook of ['post-checkout', 'post-upload-pack', 'reference-transaction', 'pre-auto-gc'])
      writeFileSync(path.join(origin.folder, '.git', 'hooks', hook), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    rmSync(witness, { force: true });
    await resolve('hostile', 'main');
    await resolve('hostile', commit.slice(0, 8));
    await git.listBranches('local', 'hostile');
    await git.listCommits('local', 'hostile', { limit: 10, skip: 0 });
    await git.ensureCheckout(endpoint, 'hostile', commit);
    expect(existsSync(witness)).toBe(false);
  });

  it('checks out a commit with a .git that works by itself', async () => {
    const origin = makeOrigin(gitRoot, 'whole');
    origin.commit({ 'old.txt': 'old' }, 'old');
    mkdirSync(path.join(origin.folder, 'モデル'));
    symlinkSync('/etc/passwd', path.join(origin.folder, 'outside'));
    writeFileSync(path.join(origin.folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    const commit = origin.commit({ 'モデル/訓練.py': 'print(1)' }, '学習');
    const folder = await git.ensureCheckout(endpoint, 'whole', commit);
    expect(readFileSync(path.join(folder, 'モデル/訓練.py'), 'utf8')).toBe('print(1)');
    expect(readlinkSync(path.join(folder, 'outside'))).toBe('/etc/passwd');
    expect(gitIn(folder, 'rev-parse', 'HEAD')).toBe(commit);
    expect(gitIn(folder, 'log', '-1', '--format=%s')).toBe('学習');
    expect(gitIn(folder, 'log', '--format=%s'), 'only this one commit').toBe('学習');
    expect(gitIn(folder, 'status', '--porcelain')).toBe('');
    expect(gitIn(folder, 'remote')).toBe('');
    expect(readFileSync(path.join(folder, '.git/config'), 'utf8')).not.toContain(base);
    expect(await git.ensureCheckout(endpoint, 'whole', commit)).toBe(folder);
  });

  it('keeps a commit that its origin has lost', async () => {
    const origin = makeOrigin(gitRoot, 'fickle');
    const before = origin.commit({ a: 'before' });
    expect(await resolve('fickle', 'main')).toBe(before);
    gitIn(origin.folder, 'commit', '--quiet', '--amend', '-m', 'rewritten');
    gitIn(origin.folder, 'reflog', 'expire', '--expire=now', '--all');
    gitIn(origin.folder, 'gc', '--quiet', '--prune=now');
    const after = await resolve('fickle', 'main');
    expect(after).not.toBe(before);
    expect(await resolve('fickle', before), 'as a run that is copied asks for it').toBe(before);
    rmSync(origin.folder, { recursive: true });
    await git.ensureMirror(endpoint, 'fickle', before);
    expect(readFileSync(path.join(await git.ensureCheckout(endpoint, 'fickle', before), 'a'), 'utf8')).toBe('before');
    expect(gitIn(await again().ensureCheckout(endpoint, 'fickle', after), 'rev-parse', 'HEAD')).toBe(after);
  });

  it('goes on after a crash at any point', async () => {
    const origin = makeOrigin(gitRoot, 'crashed');
    const first = origin.commit({ a: '1' });
    await git.ensureMirror(endpoint, 'crashed', first);
    const second = origin.commit({ a: '2', b: '2' });
    const mirrors = path.join(home, 'git', 'mirrors', endpoint);
    const mirror =
      readdirSync(mirrors)
        .map((name) => path.join(mirrors, name))
        .find((folder) => existsSync(path.join(folder, 'refs/sodate', first))) ?? '';
    // A fetch that was killed while it stored objects one by one: the commit is there, its tree is not.
    gitIn(mirror, 'fetch', '--quiet', `${origin.folder}/.git`, second);
    for (const object of gitIn(origin.folder, 'rev-parse', `${second}^{tree}`, `${second}:b`).split('\n'))
      rmSync(path.join(mirror, 'objects', object.slice(0, 2), object.slice(2)));
    // A ref and a lock of which a power cut left only the names.
    writeFileSync(path.join(mirror, 'refs/sodate', second), '');
    writeFileSync(path.join(mirror, 'refs/sodate', `${second}.lock`), '');
    writeFileSync(path.join(mirror, 'FETCH_HEAD.lock'), '');
    writeFileSync(path.join(mirror, 'config.lock'), '');
    mkdirSync(path.join(home, 'git/tmp/half-made/.git'), { recursive: true });
    const folder = await again().ensureCheckout(endpoint, 'crashed', second);
    expect(gitIn(folder, 'status', '--porcelain')).toBe('');
    expect(readFileSync(path.join(folder, 'b'), 'utf8')).toBe('2');
    await git.removeLeftovers();
    expect(existsSync(path.join(home, 'git/tmp'))).toBe(false);
  });

  it('makes one checkout for many at once, in two processes even', async () => {
    const origin = makeOrigin(gitRoot, 'busy');
    const commits = [origin.commit({ a: '1' }), origin.commit({ a: '2' })];
    const others = [again(), again()];
    const folders = await Promise.all(
      commits.flatMap((commit) => others.flatMap((each) => [each.ensureCheckout(endpoint, 'busy', commit), each.ensureCheckout(endpoint, 'busy', commit)])),
    );
    expect(new Set(folders).size).toBe(2);
    for (const folder of folders) expect(gitIn(folder, 'status', '--porcelain')).toBe('');
    expect(readdirSync(path.join(home, 'git/tmp'))).toEqual([]);
  });

  it('lists branches and commits', async () => {
    const origin = makeOrigin(gitRoot, 'history');
    const first = origin.commit({ a: '1' }, 'first\n\nwith a body');
    gitIn(origin.folder, 'branch', 'a-branch');
    const second = origin.commit({ a: '2' }, '二番目');
    expect(await git.listBranches('local', 'history')).toEqual([
      { name: 'main', commit: second, isDefault: true },
      { name: 'a-branch', commit: first, isDefault: false },
    ]);
    const commits = await git.listCommits('local', 'history', { limit: 10, skip: 0 });
    expect(commits.map(({ id, author, message }) => [id, author, message])).toEqual([
      [second, 'Hana', '二番目'],
      [first, 'Hana', 'first\n\nwith a body'],
    ]);
    expect(commits[0]?.committedAt).toMatch(/^\d{4}-.*Z$/);
    expect(await git.listCommits('local', 'history', { limit: 1, skip: 1 })).toHaveLength(1);
    expect(await git.listCommits('local', 'history', { revision: 'a-branch', limit: 10, skip: 0 })).toHaveLength(1);
    expect(await codeOf(git.listCommits('local', 'history', { revision: 'nope', limit: 1, skip: 0 }))).toBe('git-revision-not-found');
  });

  it('refuses a shallow clone, whose commits it could not keep', async () => {
    const origin = makeOrigin(gitRoot, 'deep');
    origin.commit({ a: '1' });
    origin.commit({ a: '2' });
    gitIn(gitRoot, 'clone', '--quiet', '--depth=1', `file://${origin.folder}`, 'shallow');
    const refused = await git.resolveSource({ repository: 'shallow' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'git-failed', params: { reason: expect.stringContaining('--unshallow') } });
  });

  it('says so when git is missing', async () => {
    const without = makeGit({
      db: database().db,
      folder: path.join(home, 'git'),
      gitRoot,
      clock: systemClock,
      log: silentLog,
      sealed: makeSealedSecrets(Buffer.alloc(32)),
      searchPath: '/nonexistent',
    });
    const failed = await without.listBranches('local', 'history').catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'git-failed', params: { reason: expect.stringContaining('not installed') } });
  });

  it('registers only existing folders below SODATE_GIT_ROOT', async () => {
    mkdirSync(path.join(gitRoot, 'group'), { recursive: true });
    symlinkSync(base, path.join(gitRoot, 'away'));
    const create = (root: string, maker = git): Promise<unknown> =>
      maker.createEndpoint({ id: newId<GitEndpointId>(), name: `e${newId<string>()}`, kind: 'local', root });
    for (const root of ['relative', '/etc', base, `${gitRoot}/../`, `${gitRoot}/missing`, `${gitRoot}/away`, `${gitRoot}-other`]) {
      expect(await codeOf(create(root)), root).toBe('invalid-request');
    }
    const off = makeGit({
      db: database().db,
      folder: path.join(home, 'git'),
      gitRoot: null,
      clock: systemClock,
      log: silentLog,
      sealed: makeSealedSecrets(Buffer.alloc(32)),
    });
    await expect(create(gitRoot, off)).rejects.toThrow('SODATE_GIT_ROOT');
    expect(await codeOf(git.createEndpoint({ id: newId<GitEndpointId>(), name: 'local', kind: 'local', root: gitRoot }))).toBe('name-taken');
    await create(path.join(gitRoot, 'group'));
    rmSync(path.join(gitRoot, 'away'));
  });

  it('uses an endpoint no longer once its folder leads elsewhere', async () => {
    const root = path.join(gitRoot, 'moved');
    makeOrigin(root, 'model').commit({ a: '1' });
    await git.createEndpoint({ id: newId<GitEndpointId>(), name: 'moved', kind: 'local', root });
    expect((await git.resolveSource({ endpoint: 'moved', repository: 'model' })).commit).toHaveLength(40);
    rmSync(root, { recursive: true });
    makeOrigin(path.join(base, 'elsewhere'), 'model').commit({ a: '1' });
    symlinkSync(path.join(base, 'elsewhere'), root);
    expect(await codeOf(git.resolveSource({ endpoint: 'moved', repository: 'model' }))).toBe('git-failed');
    rmSync(root);
  });

  it('removes an endpoint and its copies unless a run names it', async () => {
    const id = newId<GitEndpointId>();
    await git.createEndpoint({ id, name: 'short-lived', kind: 'local', root: gitRoot });
    const { commit } = await git.resolveSource({ endpoint: 'short-lived', repository: 'history' });
    await git.ensureCheckout(id, 'history', commit);
    const { db } = database();
    const now = new Date();
    const [tenant, user, run] = [newId<string>(), newId<string>(), newId<string>()];
    await db.insertInto('tenants').values({ id: tenant, name: 'team', display_name: 'Team', created_at: now }).execute();
    await db.insertInto('users').values({ id: user, name: 'hana', display_name: 'Hana', system_admin: false, created_at: now }).execute();
    await db
      .insertInto('runs')
      .values({
        tenant_id: tenant,
        id: run,
        kind: 'training',
        number: 1,
        name: 'r',
        memo: '',
        tags: [],
        state: 'queued',
        request: JSON.stringify({ git: { endpoint: { id, name: 'short-lived' }, commit } }),
        warnings: '[]',
        image: 'host',
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
    await expect(git.deleteEndpoint('short-lived')).rejects.toMatchObject({
      code: 'in-use',
      params: { users: 'the run training-1' },
      things: [{ kind: 'run', id: run, reference: 'training-1', name: expect.stringMatching(/^r \(.+\)$/) }],
    });
    await db.deleteFrom('runs').where('id', '=', run).execute();
    await git.deleteEndpoint('short-lived');
    expect(await codeOf(git.deleteEndpoint('short-lived'))).toBe('not-found');
    expect(existsSync(path.join(home, 'git/mirrors', id))).toBe(false);
    expect(existsSync(path.join(home, 'git/checkouts', id))).toBe(false);
  });
});
