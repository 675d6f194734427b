import { gitIn, hasGit, makeOrigin } from '#git/git-origin.ts';
import type { Git } from '#git/git.ts';
import { makeGitWorld } from '#git/testing/git-world.ts';
import { hasOpenssl, makeTestAuthority, type TestAuthority } from '#git/testing/make-certificates.ts';
import { hasHttpGit, type HttpGit, provideHttpGit } from '#git/testing/provide-http-git.ts';
import { provideSilentServer } from '#git/testing/provide-silent-server.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const world = makeGitWorld(useTestDatabase());
const { base, root, said, makeFresh, errorOf, person, endpoint, signIn, resolve, serve } = world;
const TOKEN = 'token-that-must-not-be-seen+/=%';

const CANNOT = !hasGit() || !hasHttpGit() ? 'git-http-backend is not installed' : hasOpenssl() ? null : 'openssl is not installed';

afterAll(world.close);

describe.skipIf(CANNOT !== null)(`git over HTTPS${CANNOT === null ? '' : ` (${CANNOT})`}`, () => {
  const held: { authority?: TestAuthority; server?: HttpGit; trusting?: Git } = {};
  const authority = (): TestAuthority => held.authority as TestAuthority;
  const served = (): HttpGit => held.server as HttpGit;
  /** As a server that was started with NODE_EXTRA_CA_CERTS. */
  const trusting = (): Git => held.trusting as Git;
  const provide = (alternativeNames: string): Promise<HttpGit> =>
    provideHttpGit({ root, isOpen: (name) => name.startsWith('/open/'), tls: authority().issue('server', alternativeNames) });

  beforeAll(async () => {
    held.authority = makeTestAuthority(path.join(base, 'authority'));
    held.server = await provide('IP:127.0.0.1,DNS:localhost');
    served().passwords.set('hana', TOKEN);
    held.trusting = makeFresh(undefined, authority().file);
  });
  afterAll(async () => {
    held.trusting?.close();
    await held.server?.close();
  });

  const reasonOf = async (server: { readonly name: string }, through: Git): Promise<string> => {
    const error = await errorOf(resolve(server, 'open/model.git', null, undefined, through));
    expect(error?.code).toBe('git-server-unreachable');
    return String(error?.params['reason']);
  };

  it('reads what is open and what wants a credential from a server whose authority was made known, submodules too', async () => {
    const part = makeOrigin(base, 'part-origin');
    part.commit({ lib: '1' });
    serve(part, 'closed/part.git');
    const origin = makeOrigin(base, 'https-origin');
    origin.commit({ 'a.txt': '1' });
    gitIn(origin.folder, '-c', 'protocol.file.allow=always', 'submodule', 'add', '--quiet', path.join(root, 'closed/part.git'), 'sub');
    gitIn(origin.folder, 'config', '--file', '.gitmodules', 'submodule.sub.url', '../part.git');
    const commit = origin.commit({ 'a.txt': '2' });
    serve(origin, 'closed/model.git');
    const server = await endpoint(served().url);
    const reader = await person();
    expect((await errorOf(resolve(server, 'closed/model.git', reader, undefined, trusting())))?.code).toBe('git-sign-in-needed');
    await signIn(server, reader, { token: TOKEN });
    expect(await resolve(server, 'closed/model.git', reader, undefined, trusting())).toBe(commit);
    const folder = await trusting().ensureCheckout(server.id, 'closed/model.git', commit, async () => reader);
    expect([readFileSync(path.join(folder, 'a.txt'), 'utf8'), readFileSync(path.join(folder, 'sub/lib'), 'utf8')]).toEqual(['2', '1']);
    expect(said.join('\n')).not.toContain(TOKEN);
  });

  it('says what to do when nobody vouches for the certificate, and sends nothing', async () => {
    const server = await endpoint(served().url);
    const reader = await person();
    await signIn(server, reader, { token: TOKEN });
    const asked = served().asked.length;
    const error = await errorOf(resolve(server, 'closed/model.git', reader));
    expect(error).toMatchObject({
      code: 'git-server-unreachable',
      params: { reason: expect.stringMatching(/127\.0\.0\.1 is not trusted.*NODE_EXTRA_CA_CERTS/) },
    });
    expect(served().asked.length).toBe(asked);
  });

  it('says so when the certificate is for another host, or of another authority', async () => {
    const elsewhere = await provide('DNS:git.example');
    const stranger = makeTestAuthority(path.join(base, 'stranger'));
    const strange = makeFresh(undefined, stranger.file);
    try {
      expect(await reasonOf(await endpoint(elsewhere.url), trusting())).toContain('not for 127.0.0.1');
      expect(await reasonOf(await endpoint(served().url), strange)).toContain('NODE_EXTRA_CA_CERTS');
    } finally {
      strange.close();
      await elsewhere.close();
    }
  });

  it('says so when what answers does not speak https, or says nothing', async () => {
    const plain = await provideHttpGit({ root, isOpen: () => true });
    const silent = await provideSilentServer();
    const impatient = makeFresh(700, authority().file);
    try {
      expect(await reasonOf(await endpoint(plain.url.replace('http:', 'https:')), trusting())).toMatch(/does not speak https/);
      const error = await errorOf(resolve(await endpoint(silent.url.replace('http:', 'https:')), 'open/model.git', null, undefined, impatient));
      expect(error?.code).toBe('git-server-silent');
    } finally {
      impatient.close();
      await Promise.all([plain.close(), silent.close()]);
    }
  });

  it('goes on without a file of authorities that cannot be read, and the log says so', async () => {
    const without = makeFresh(undefined, path.join(base, 'no-such-file.pem'));
    expect(await reasonOf(await endpoint(served().url), without)).toContain('not trusted');
    expect(said.join('\n')).toContain('NODE_EXTRA_CA_CERTS cannot be read');
    without.close();
  });

  it('asks the listing of repositories over https too, in a server that was started with the authority', async () => {
    served().before.handle = (request, response) => {
      if (request.url?.startsWith('/api/v1/repos/search') !== true) return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, data: [{ full_name: 'closed/model' }] }));
      return true;
    };
    // Node reads the authorities at its start: so in a process of its own.
    const script = path.join(base, 'list.mjs');
    const server = { id: '', name: 'forge', kind: 'gitea', url: served().url, apiUrl: `${served().url}/api/v1`, hostKeys: [], lfsHosts: [] };
    const listing = new URL('listing/server-listings.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { askedRepositories } from ${JSON.stringify(listing)};
try { console.log(JSON.stringify(await askedRepositories(${JSON.stringify(server)}, null, { limit: 10 }))); }
catch (error) { console.log(error.code, JSON.stringify(error.params)); }`,
    );
    const list = async (environment: Readonly<Record<string, string>>): Promise<string> => {
      const asking = promisify(execFile)(process.execPath, ['--import', 'tsx', script], {
        cwd: path.join(import.meta.dirname, '..', '..'),
        env: { PATH: process.env['PATH'], ...environment },
      });
      return (await asking).stdout;
    };
    expect(await list({ NODE_EXTRA_CA_CERTS: authority().file })).toContain('closed/model');
    expect(await list({})).toMatch(/git-server-unreachable.*not trusted.*NODE_EXTRA_CA_CERTS/);
  });
});
