import { hasGit, makeOrigin } from '#git/git-origin.ts';
import type { StoredServer } from '#git/git-endpoint-store.ts';
import type { GitReader } from '#git/git.ts';
import { answerLfs, lfsPointerOf, type LfsQuestion } from '#git/testing/answer-lfs.ts';
import { makeGitWorld } from '#git/testing/git-world.ts';
import { hasOpenssl, makeTestAuthority, type TestAuthority } from '#git/testing/make-certificates.ts';
import { hasHttpGit, type HttpGit, provideHttpGit } from '#git/testing/provide-http-git.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

/** A process is started for each checkout. */
vi.setConfig({ testTimeout: 180_000 });

const database = useTestDatabase();
const world = makeGitWorld(database);
const { base, root, person, endpoint, signIn, serve } = world;
const TOKEN = 'token-that-must-not-be-seen+/=%';
const BASIC = `Basic ${Buffer.from(`hana:${TOKEN}`).toString('base64')}`;
const CANNOT = !hasGit() || !hasHttpGit() ? 'git-http-backend is not installed' : hasOpenssl() ? null : 'openssl is not installed';

afterAll(world.close);

interface Outcome {
  /** Digest of the file that Git LFS keeps. */
  readonly digest?: string;
  readonly code?: string;
  readonly params?: { readonly reason?: string };
}

/** Node reads the authorities that it trusts at its start, so a checkout is made in a process of its own, as in a server. */
const SCRIPT = `
const { makeGit } = await import(process.env.FROM + '/git/git.ts');
const { openDatabase } = await import(process.env.FROM + '/kit/db/open-database.ts');
const { makeSealedSecrets } = await import(process.env.FROM + '/kit/sealed-secrets.ts');
const { systemClock } = await import(process.env.FROM + '/kit/clock.ts');
const { silentLog } = await import(process.env.FROM + '/kit/log.ts');
const { createHash } = await import('node:crypto');
const { readFileSync } = await import('node:fs');
const { address, folder, server, repository, reader } = JSON.parse(process.argv[2]);
const database = openDatabase(address, silentLog, 2);
const extraAuthorities = process.env.NODE_EXTRA_CA_CERTS ?? null;
const sealed = makeSealedSecrets(Buffer.alloc(32, 7));
const git = makeGit({ db: database.db, folder, gitRoot: null, clock: systemClock, log: silentLog, sealed, silenceLimitMs: 20_000, extraAuthorities });
try {
  const { commit } = await git.resolveSource({ endpoint: server.name, repository }, reader);
  const checkout = await git.ensureCheckout(server.id, repository, commit, async () => reader);
  console.log(JSON.stringify({ digest: createHash('sha256').update(readFileSync(checkout + '/model/weights.bin')).digest('hex') }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, params: error.params }));
} finally {
  git.close();
  await database.close();
}`;

describe.skipIf(CANNOT !== null)(`Git LFS over HTTPS${CANNOT === null ? '' : ` (${CANNOT})`}`, () => {
  const weights = randomBytes(300_000);
  const { oid, pointer } = lfsPointerOf(weights);
  const digest = createHash('sha256').update(weights).digest('hex');
  const held: { authority?: TestAuthority; server?: HttpGit; storage?: HttpGit } = {};
  const authority = (): TestAuthority => held.authority as TestAuthority;
  const served = (): HttpGit => held.server as HttpGit;
  const storage = (): HttpGit => held.storage as HttpGit;
  const asked: LfsQuestion[] = [];
  const answer = (more: Parameters<typeof answerLfs>[3] = {}) => answerLfs(() => served().url, weights, asked, more);
  const home = (): string => path.join(base, 'process', 'git');
  const count = { models: 0 };

  beforeAll(async () => {
    held.authority = makeTestAuthority(path.join(base, 'authority'));
    const tls = authority().issue('server', 'IP:127.0.0.1');
    held.server = await provideHttpGit({ root, isOpen: (name) => name.startsWith('/open/'), tls });
    held.storage = await provideHttpGit({ root, tls });
    served().passwords.set('hana', TOKEN);
    writeFileSync(path.join(base, 'checkout.mjs'), SCRIPT);
  });
  beforeEach(() => {
    asked.length = 0;
  });
  afterAll(async () => {
    await held.server?.close();
    await held.storage?.close();
  });

  const makeModel = (folder: 'open' | 'closed'): string => {
    const name = `${folder}/lfs-${(count.models += 1)}.git`;
    const origin = makeOrigin(base, name.replace('/', '-'));
    origin.commit({ '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n', 'model/weights.bin': pointer });
    serve(origin, name);
    return name;
  };
  const checkOut = async (server: StoredServer, repository: string, reader: GitReader | null, file: string | null = authority().file): Promise<Outcome> => {
    const about = JSON.stringify({ address: database().address, folder: home(), server, repository, reader });
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', path.join(base, 'checkout.mjs'), about], {
      cwd: path.join(import.meta.dirname, '..', '..'),
      env: { PATH: process.env['PATH'], FROM: path.join(import.meta.dirname, '..'), ...(file === null ? {} : { NODE_EXTRA_CA_CERTS: file }) },
    });
    expect(stdout).not.toContain(TOKEN);
    return JSON.parse(stdout) as Outcome;
  };
  const expectNothingHalf = (): void => expect(existsSync(path.join(home(), 'tmp')) ? readdirSync(path.join(home(), 'tmp')) : []).toEqual([]);

  it('brings what is locked with the credential of who asks, by the authority that was made known', async () => {
    const repository = makeModel('closed');
    served().before.handle = answer({ allows: (authorization) => authorization === BASIC });
    const server = await endpoint(served().url);
    const [reader, stranger] = [await person(), await person()];
    await signIn(server, reader, { token: TOKEN });
    expect(await checkOut(server, repository, stranger)).toMatchObject({ code: 'git-sign-in-needed' });
    expect(await checkOut(server, repository, reader)).toEqual({ digest });
    expect(asked).toEqual([
      { path: `/${repository.replace(/\.git$/, '')}.git/info/lfs/objects/batch`, authorization: BASIC },
      { path: `/storage/${oid}`, authorization: undefined },
    ]);
  });

  it('says so where the repository is open and its content is locked', async () => {
    const repository = makeModel('open');
    served().before.handle = answer({ allows: (authorization) => authorization === BASIC });
    const server = await endpoint(served().url);
    const reader = await person();
    expect(await checkOut(server, repository, reader)).toMatchObject({
      code: 'git-lfs-missing',
      params: { reason: 'the server does not show it to this credential' },
    });
    expectNothingHalf();
    await signIn(server, reader, { token: TOKEN });
    expect(await checkOut(server, repository, reader)).toEqual({ digest });
  });

  it('takes it from a storage that a system admin allowed and the same authority vouches for, without the credential', async () => {
    const repository = makeModel('closed');
    served().before.handle = answer({ href: (id) => `${storage().url}/storage/${id}` });
    storage().before.handle = answer();
    const reader = await person();
    const [refusing, allowing] = [await endpoint(served().url), await endpoint(served().url, { lfsHosts: [new URL(storage().url).host] })];
    for (const server of [refusing, allowing]) await signIn(server, reader, { token: TOKEN });
    expect(await checkOut(refusing, repository, reader)).toMatchObject({ code: 'git-lfs-missing', params: { reason: expect.stringContaining('--lfs-host') } });
    expect(storage().asked).toEqual([]);
    expect(await checkOut(allowing, repository, reader)).toEqual({ digest });
    expect(storage().asked.map(({ path: name, authorization }) => [name, authorization])).toEqual([[`/storage/${oid}`, undefined]]);
  });

  it('asks nobody whom the authority does not vouch for, and nobody without TLS', async () => {
    const stranger = makeTestAuthority(path.join(base, 'stranger'));
    const strange = await provideHttpGit({ root, tls: stranger.issue('server', 'IP:127.0.0.1') });
    const plain = await provideHttpGit({ root });
    try {
      const reader = await person();
      const attempt = async (at: HttpGit): Promise<Outcome> => {
        const repository = makeModel('open');
        served().before.handle = answer({ href: (id) => `${at.url}/storage/${id}` });
        const server = await endpoint(served().url, { lfsHosts: [new URL(at.url).host] });
        return checkOut(server, repository, reader);
      };
      expect(await attempt(strange)).toMatchObject({
        code: 'git-server-unreachable',
        params: { reason: expect.stringMatching(/not trusted.*NODE_EXTRA_CA_CERTS/) },
      });
      expect(await attempt(plain)).toMatchObject({ code: 'git-lfs-missing', params: { reason: expect.stringContaining('sends us to') } });
      expect([...strange.asked, ...plain.asked]).toEqual([]);
      expectNothingHalf();
      const server = await endpoint(served().url);
      expect(await checkOut(server, makeModel('open'), reader, null)).toMatchObject({ code: 'git-server-unreachable' });
    } finally {
      await Promise.all([strange.close(), plain.close()]);
    }
  });
});
