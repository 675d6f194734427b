import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createRegistry,
  deleteRegistry,
  deleteRegistryCredential,
  listImages,
  listImageTags,
  listRegistries,
  listRegistryCredentials,
  putRegistryCredential,
  updateRegistry,
} from '@sodate/contract/registries.ts';
import { getMe } from '@sodate/contract/session.ts';
import { type ContractServer, contractServer } from './testing/contract-server.ts';
import { type TestCli, testCli } from './testing/run-in-test.ts';
import { at, id, me } from './testing/samples.ts';

let server: ContractServer;
let cli: TestCli;
const registry = { id: id(70), number: 1, name: 'ours', address: 'ours.example:5000', insecure: false, tokenHosts: ['auth.example'], createdAt: at };
const credential = { id: id(71), host: registry.address, userName: 'anna', setAt: at };
const PASSWORD = 'a secret of the registry';

beforeEach(async () => {
  server = await contractServer();
  server.on(getMe, () => me).on(listRegistries, () => ({ items: [registry] }));
  cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'secret', SODATE_TENANT: 'lab' });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await cli[Symbol.asyncDispose]();
});
const lastCall = () => server.calls.at(-1);

describe('registries', () => {
  test('are listed, added, changed and removed', async () => {
    server
      .on(createRegistry, () => registry)
      .on(updateRegistry, () => ({ ...registry, insecure: true }))
      .on(deleteRegistry, () => undefined);
    const listed = (await cli.run(['registry', 'list'])).out;
    for (const word of ['ours', 'ours.example:5000', 'https', 'auth.example']) expect(listed).toContain(word);
    expect((await cli.run(['registry', 'add', 'ours', 'Ours.example:5000', '--token-host', 'a.example', '--token-host', 'b.example'])).exitCode).toBe(0);
    expect(lastCall()?.body).toEqual({ name: 'ours', address: 'ours.example:5000', insecure: false, tokenHosts: ['a.example', 'b.example'] });
    expect((await cli.run(['registry', 'edit', 'ours', '--insecure', '--clear-token-hosts'])).out).toContain('over http.');
    expect(lastCall()).toMatchObject({ params: { registry: 'ours' }, body: { insecure: true, tokenHosts: [] } });
    await cli.run(['registry', 'edit', 'ours', '--secure', '--name', 'theirs']);
    expect(lastCall()?.body).toEqual({ insecure: false, name: 'theirs' });
    expect(await cli.run(['registry', 'remove', 'ours'])).toEqual({ exitCode: 0, out: 'Registry ours is removed.\n', err: '' });
  });

  test.each([
    [['registry', 'edit', 'ours'], 'Say what to change'],
    [['registry', 'edit', 'ours', '--secure', '--insecure'], 'exclude each other'],
    [['registry', 'edit', 'ours', '--token-host', 'x', '--clear-token-hosts'], 'exclude each other'],
    [['registry', 'login', 'ours', '--password-stdin'], '--user <name> is needed'],
    [['registry', 'login', 'ours', '--user', 'anna', '--password', 'x'], 'unknown option'],
    [['registry', 'login', 'ours', '--user', 'anna'], '--password-stdin is needed'],
    [['image', 'list', 'ours', '--limit', '0'], '--limit: at least 1.'],
  ])('wrong usage: %j', async (args, message) => {
    expect(await cli.run(args)).toEqual({ exitCode: 2, out: '', err: expect.stringContaining(message) });
  });
});

describe('passwords', () => {
  test('go to the host of a registry by its name, or to any host, and are printed nowhere', async () => {
    server.on(putRegistryCredential, () => credential);
    for (const [given, host] of [
      ['ours', 'ours.example:5000'],
      ['Ghcr.io', 'ghcr.io'],
    ] as const) {
      const { exitCode, out, err } = await cli.run(['registry', 'login', given, '--user', 'anna', '--password-stdin'], {
        input: `${PASSWORD}\nanother line\n`,
      });
      expect([exitCode, err]).toEqual([0, '']);
      expect(lastCall()).toMatchObject({ params: { tenant: 'lab', host }, body: { userName: 'anna', password: PASSWORD } });
      expect(out).not.toContain(PASSWORD);
    }
  });

  test('are for no registry that does not exist', async () => {
    const { exitCode, err } = await cli.run(['registry', 'login', 'theirs', '--user', 'anna', '--password-stdin'], { input: PASSWORD });
    expect([exitCode, err]).toEqual([1, expect.stringContaining('There is no registry theirs. Registered: ours.')]);
  });

  test('are forgotten, and listed by whom they are', async () => {
    server.on(deleteRegistryCredential, () => undefined).on(listRegistryCredentials, () => ({ items: [credential] }));
    expect((await cli.run(['registry', 'logout', 'ours'])).out).toContain('ours.example:5000');
    expect(lastCall()?.params).toEqual({ tenant: 'lab', host: 'ours.example:5000' });
    expect((await cli.run(['registry', 'credentials'])).out).toContain('anna');
  });
});

describe('images', () => {
  const image = (at: number) => ({ name: `team/model-${at}`, reference: `ours.example:5000/team/model-${at}` });

  test('come page by page, short and empty ones too', async () => {
    const pages = [
      { items: [image(1)], nextCursor: 'a' },
      { items: [], nextCursor: 'b' },
      { items: [image(2)], nextCursor: null },
    ];
    server.on(listImages, ({ query }) => pages[query.cursor === undefined ? 0 : query.cursor === 'a' ? 1 : 2] ?? { items: [], nextCursor: null });
    const { out } = await cli.run(['image', 'list', 'ours', '--text', 'team']);
    for (const each of [image(1), image(2)]) expect(out).toContain(each.reference);
    expect(out).not.toContain('there are more');
    expect(lastCall()).toMatchObject({ params: { registry: 'ours' }, query: { text: 'team', limit: 49, cursor: 'b' } });
    expect((await cli.run(['image', 'list', 'ours', '--limit', '1'])).out).toContain('there are more');
  });

  test('have tags, in the form that submissions take', async () => {
    server.on(listImageTags, () => ({ items: [{ name: 'v1', reference: 'ours.example:5000/team/model:v1' }], truncated: true }));
    const { out } = await cli.run(['image', 'tags', 'ours', 'team/model']);
    expect(out).toContain('ours.example:5000/team/model:v1');
    expect(out).toContain('more than');
    expect(lastCall()).toMatchObject({ params: { tenant: 'lab', registry: 'ours' }, query: { image: 'team/model' } });
  });
});
