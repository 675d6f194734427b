import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createGitEndpoint, listGitEndpoints, listRepositories, readHostKeys, updateGitEndpoint } from '@sodate/contract/git.ts';
import {
  deleteMyGitCredential,
  deleteTenantGitCredential,
  listGitCredentials,
  putMyGitCredential,
  putTenantGitCredential,
} from '@sodate/contract/git-credentials.ts';
import { getMe } from '@sodate/contract/session.ts';
import { type ContractServer, contractServer } from './testing/contract-server.ts';
import { type TestCli, testCli } from './testing/run-in-test.ts';
import { at, id, me } from './testing/samples.ts';

let server: ContractServer;
let cli: TestCli;
const folder = mkdtempSync(path.join(tmpdir(), 'sodate-cli-git-'));
const keys = path.join(folder, 'keys');
const endpoint = {
  id: id(70),
  number: 1,
  name: 'lab',
  kind: 'gitea' as const,
  root: null,
  url: 'ssh://git@git.example',
  apiUrl: 'https://git.example/api/v1',
  hostKeys: [{ type: 'ssh-ed25519', fingerprint: 'SHA256:abc' }],
  lfsHosts: [],
  createdAt: at,
};
const credential = { id: id(71), endpoint: { id: id(70), name: 'lab' }, owner: 'mine' as const, userName: 'git', holds: ['token' as const], setAt: at };
const TOKEN = 'a token of the tests';

beforeEach(async () => {
  server = await contractServer();
  server.on(getMe, () => me).on(listGitEndpoints, () => ({ items: [endpoint] }));
  cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'secret', SODATE_TENANT: 'lab' });
  writeFileSync(keys, 'what a file holds');
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await cli[Symbol.asyncDispose]();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const lastCall = () => server.calls.at(-1);

describe('git servers', () => {
  test('are added, with the fingerprints to compare, listed and changed', async () => {
    server.on(createGitEndpoint, () => endpoint).on(updateGitEndpoint, () => endpoint);
    const added = await cli.run(['git', 'add', 'lab', 'ssh://git@git.example', '--kind', 'gitea', '--host-keys', keys, '--lfs-host', 'lfs.example']);
    for (const word of ['SHA256:abc', 'sodate git login lab']) expect(added.out).toContain(word);
    expect(lastCall()?.body).toEqual({ name: 'lab', kind: 'gitea', url: 'ssh://git@git.example', hostKeys: 'what a file holds', lfsHosts: ['lfs.example'] });
    await cli.run(['git', 'add', 'here', '/srv/git']);
    expect(lastCall()?.body).toEqual({ name: 'here', kind: 'local', root: '/srv/git' });
    await cli.run(['git', 'add', 'plain', 'https://git.example']);
    expect(lastCall()?.body).toEqual({ name: 'plain', kind: 'plain', url: 'https://git.example', lfsHosts: [] });
    expect((await cli.run(['git', 'edit', 'lab', '--scan-host-keys', '--clear-lfs-hosts'])).out).toContain('SHA256:abc');
    expect(lastCall()?.body).toEqual({ hostKeys: 'scan', lfsHosts: [] });
    const listed = (await cli.run(['git', 'endpoints'])).out;
    for (const word of ['lab', 'gitea', 'ssh://git@git.example', 'SHA256:abc']) expect(listed).toContain(word);
  });

  test('show the keys of an SSH server as a file that can be kept and given', async () => {
    server.on(readHostKeys, () => ({ items: [{ type: 'ssh-ed25519', fingerprint: 'SHA256:abc', line: 'ssh-ed25519 AAAA' }] }));
    expect((await cli.run(['git', 'host-keys', 'ssh://git@git.example:2222'])).out).toBe('# SHA256:abc\nssh-ed25519 AAAA\n');
    expect(lastCall()?.body).toEqual({ url: 'ssh://git@git.example:2222' });
  });

  test('list their repositories page by page, up to a limit', async () => {
    server.on(listRepositories, ({ query }) => {
      const from = Number((query as { cursor?: string }).cursor ?? 0);
      return { items: [{ name: `team/${from}` }, { name: `team/${from + 1}` }], nextCursor: from < 4 ? String(from + 2) : null };
    });
    expect((await cli.run(['git', 'repositories', 'lab', '--text', 'team', '--json'])).out).toContain('team/5');
    expect(JSON.parse((await cli.run(['git', 'repositories', 'lab', '--limit', '3', '--json'])).out)).toEqual({
      items: [0, 1, 2].map((at) => ({ name: `team/${at}` })),
    });
  });

  test('are signed in at by a token that is never an argument', async () => {
    server.on(putMyGitCredential, () => credential).on(putTenantGitCredential, () => ({ ...credential, owner: 'tenant' as const }));
    const answer = await cli.run(['git', 'login', 'lab', '--user', 'ann', '--token-stdin'], { input: `${TOKEN}\nmore\n` });
    expect([answer.exitCode, answer.out.includes(TOKEN)]).toEqual([0, false]);
    expect(lastCall()).toMatchObject({ params: { tenant: 'lab', endpoint: 'lab' }, body: { userName: 'ann', token: TOKEN } });
    await cli.run(['git', 'login', 'lab', '--for-tenant', '--key', keys]);
    expect(lastCall()).toMatchObject({ route: putTenantGitCredential.id, body: { privateKey: 'what a file holds' } });
    expect(lastCall()?.body).not.toHaveProperty('token');
  });

  test('are signed out at, and say what there is', async () => {
    server
      .on(deleteMyGitCredential, () => undefined)
      .on(deleteTenantGitCredential, () => undefined)
      .on(listGitCredentials, () => ({ items: [credential] }));
    expect((await cli.run(['git', 'logout', 'lab'])).out).toContain('You will not');
    expect((await cli.run(['git', 'logout', 'lab', '--for-tenant'])).out).toContain('lab will not');
    const listed = (await cli.run(['git', 'credentials'])).out;
    for (const word of ['lab', 'yours', 'token']) expect(listed).toContain(word);
  });

  test.each([
    [['git', 'edit', 'lab'], 'Say what to change'],
    [['git', 'edit', 'lab', '--scan-host-keys', '--host-keys', keys], 'exclude each other'],
    [['git', 'edit', 'lab', '--lfs-host', 'x', '--clear-lfs-hosts'], 'exclude each other'],
    [['git', 'add', 'here', '/srv/git', '--kind', 'gitea'], 'takes no options of a server'],
    [['git', 'add', 'lab', 'https://git.example', '--kind', 'svn'], 'none of'],
    [['git', 'login', 'lab', '--key', path.join(folder, 'none')], 'cannot be read'],
    [['git', 'login', 'lab'], '--token-stdin or --key is needed'],
  ])('%j is refused', async (words, reason) => {
    const answer = await cli.run(words);
    expect([answer.exitCode === 0, answer.err]).toEqual([false, expect.stringContaining(reason)]);
  });
});
