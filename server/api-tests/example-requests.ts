import type { TestPlatform } from '#api-tests/test-platform.ts';
import type { TenantThings } from '#api-tests/tenant-things.ts';
import { appendItems } from '#metrics/append-items.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A request that works when somebody sends it who may. */
export interface ExampleRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A secret to send it with, where it works for one person only. */
  readonly as?: string;
}

type MakeExample = (things: TenantThings, platform: TestPlatform) => Promise<ExampleRequest>;

const SMALL = { cpu: 0.1, memory: 10_000_000 };

/** One file of eight bytes in a bundle; its head is shorter than 256 bytes. */
const BUNDLE_HEAD = new TextEncoder().encode(JSON.stringify({ files: [{ name: 'small.txt', size: 8 }] }));
const BUNDLE = new Uint8Array([0, 0, 0, BUNDLE_HEAD.length, ...BUNDLE_HEAD, ...new TextEncoder().encode('8 bytes!')]);

const forTenant =
  (make: (things: TenantThings, platform: TestPlatform) => Promise<ExampleRequest>): MakeExample =>
  async (things, platform) => {
    const example = await make(things, platform);
    return { ...example, params: { tenant: things.tenant, ...example.params } };
  };

const withData = (rest: Omit<ExampleRequest, 'params'> = {}): MakeExample =>
  forTenant(async (things) => ({ ...rest, params: { data: (await things.data()).id } }));
const withFile: MakeExample = forTenant(async (things) => {
  const { data, file } = await things.dataWithFile();
  return { params: { data: data.id, file } };
});
const withUpload: MakeExample = forTenant(async (things) => ({ params: { upload: (await things.openUpload(await things.data())).id } }));
const withDataset = (rest: Omit<ExampleRequest, 'params'> = {}): MakeExample =>
  forTenant(async (things) => ({ ...rest, params: { dataset: (await things.dataset()).id } }));
const withRun = (rest: Omit<ExampleRequest, 'params'> = {}): MakeExample =>
  forTenant(async (things) => ({ ...rest, params: { run: (await things.endedTask()).id } }));
/** A run with a file that its job wrote. */
const withJobsFile = (where: 'output' | 'attach', query: Readonly<Record<string, string>>): MakeExample =>
  forTenant(async (things, platform) => {
    const run = await things.endedTask();
    const folder = path.join(platform.home.folder, 'runs', run.id, where);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'result.txt'), 'written by the job');
    return { params: { run: run.id }, query };
  });
const withMetrics = (rest: Omit<ExampleRequest, 'params'> = {}): MakeExample =>
  forTenant(async (things, platform) => {
    const run = await things.endedTask();
    const at = `/v1/tenants/${things.tenant}/runs/${run.id}`;
    await platform.must(platform.systemAdmin.secret, 'POST', `${at}/metrics`, { points: [{ name: 'loss', step: 1, value: 'NaN' }] });
    await platform.must(platform.systemAdmin.secret, 'POST', `${at}/parameters`, { parameters: [{ name: 'lr', value: '0.1' }] });
    return { ...rest, params: { run: run.id } };
  });
/** A text as if read from an event file, in a file of another name, which nobody follows. */
const withText = (rest: Omit<ExampleRequest, 'params'> = {}): MakeExample =>
  forTenant(async (things, platform) => {
    const run = await things.endedTask();
    const folder = path.join(platform.home.folder, 'runs', run.id, 'output');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'texts'), 'written by the job');
    const { db } = platform.database;
    const { tenant_id } = await db.selectFrom('runs').select('tenant_id').where('id', '=', run.id).executeTakeFirstOrThrow();
    const place = { path: 'texts', offset: 0, length: 7 };
    const items = [{ kind: 'text', series: 'note', step: 1, at: 0, summary: {}, place }] as const;
    await db.transaction().execute((tx) => appendItems(tx, { tenant: tenant_id as TenantId, run: run.id as RunId, origin: 'events/', items }));
    return { ...rest, params: { run: run.id } };
  });
const withPerson =
  (rest: Omit<ExampleRequest, 'params'> = {}): MakeExample =>
  async (_things, platform) => ({ ...rest, params: { user: platform.foreigner.name } });

const count = { people: 0 };
const newPerson = (platform: TestPlatform, tenant?: string) =>
  platform.makePerson(`somebody-${(count.people += 1)}`, tenant === undefined ? {} : { [tenant]: 'viewer' });

/** Of whoever may do least, since only its owner may change it. */
async function withSavedSearch(things: TenantThings, platform: TestPlatform): Promise<ExampleRequest> {
  const owner = things.tenant === platform.tenant.name ? platform.viewer : platform.foreigner;
  const body = { thing: 'data', name: `new ${(count.people += 1)}`, query: 'tag:new' };
  const { id } = (await platform.must(owner.secret, 'POST', `/v1/tenants/${things.tenant}/searches`, body)).body;
  return { params: { search: id } };
}

async function newRegistry(platform: TestPlatform): Promise<{ readonly id: string }> {
  const name = `unused-${(count.people += 1)}`;
  return (await platform.must(platform.systemAdmin.secret, 'POST', '/v1/registries', { name, address: `${name}.example` })).body;
}

/** Nobody is asked there unless something is read. */
async function newGitServer(platform: TestPlatform): Promise<string> {
  const name = `git-${(count.people += 1)}`;
  await platform.must(platform.systemAdmin.secret, 'POST', '/v1/git-endpoints', { name, kind: 'gitea', url: `https://${name}.example` });
  return name;
}
/** One for all tenants, as they are. */
const shared = new WeakMap<TestPlatform, Promise<string>>();
const withGitServer = (rest: Omit<ExampleRequest, 'params'> = {}): MakeExample =>
  forTenant(async (_things, platform) => {
    const endpoint = shared.get(platform) ?? newGitServer(platform);
    shared.set(platform, endpoint);
    return { ...rest, params: { endpoint: await endpoint } };
  });

/** By route id: how to make a request with things that are there. Made anew each time, because some requests use them up. */
export const EXAMPLES: Readonly<Record<string, MakeExample>> = {
  'health.get': async () => ({}),
  'session.signIn': async (_things, platform) => ({ body: { name: platform.viewer.name, password: platform.viewer.password, keep: 'token' } }),
  'session.signInByLink': async (_things, platform) => {
    const person = await newPerson(platform);
    const { body } = await platform.must(platform.systemAdmin.secret, 'POST', `/v1/users/${person.name}/sign-in-link`);
    return { body: { secret: new URL(body.url).hash.slice(1), password: 'another password' } };
  },
  'session.signOut': async (_things, platform) => ({ as: (await newPerson(platform)).secret }),
  'me.get': async () => ({}),
  'me.update': async () => ({ body: { displayName: 'Renamed' } }),
  'me.changePassword': async (_things, platform) => {
    const person = await newPerson(platform);
    return { as: person.secret, body: { current: person.password, next: 'another password' } };
  },

  'users.list': async () => ({}),
  'users.create': async () => ({ body: { name: 'newcomer' } }),
  'users.get': withPerson(),
  'users.update': withPerson({ body: { displayName: 'Renamed' } }),
  'users.createSignInLink': withPerson(),

  'tenants.list': async () => ({}),
  'tenants.create': async () => ({ body: { name: 'gamma' } }),
  'tenants.get': forTenant(async () => ({})),
  'tenants.update': forTenant(async () => ({ body: { displayName: 'Renamed' } })),
  'tenants.delete': async (_things, platform) => {
    count.people += 1;
    const { body } = await platform.must(platform.systemAdmin.secret, 'POST', '/v1/tenants', { name: `empty-${count.people}` });
    return { params: { tenant: body.id } };
  },
  'members.list': forTenant(async () => ({})),
  'members.put': forTenant(async (_things, platform) => ({ params: { user: platform.systemAdmin.name }, body: { role: 'viewer' } })),
  'members.remove': forTenant(async (things, platform) => ({ params: { user: (await newPerson(platform, things.tenant)).id } })),
  'tokens.list': forTenant(async () => ({})),
  'tokens.create': forTenant(async () => ({ body: { name: 'a token' } })),
  'tokens.revoke': forTenant(async (things, platform) => ({
    params: { token: (await things.token(things.tenant === platform.tenant.name ? platform.viewer.secret : platform.foreigner.secret)).id },
  })),

  'data.list': forTenant(async () => ({ query: { text: 'some', tag: 'a' } })),
  'data.create': forTenant(async (things) => ({ body: { name: 'derived', parent: (await things.data()).id } })),
  'data.get': withData(),
  'data.update': withData({ body: { name: 'Renamed', memo: 'a memo', tags: ['a'] } }),
  'data.delete': withData(),
  'data.listFiles': withData(),
  'data.getFile': withFile,
  'data.deleteFile': withFile,
  'data.addFiles': forTenant(async (things) => ({ params: { data: (await things.data()).id }, body: BUNDLE })),
  'uploads.list': forTenant(async (things) => {
    const data = await things.data();
    await things.openUpload(data);
    return { params: { data: data.id } };
  }),
  'data.previewFile': withFile,
  'data.readFiles': forTenant(async (things) => {
    const { data, file } = await things.dataWithFile();
    return { params: { data: data.id }, body: { files: [file] } };
  }),
  'data.archive': withData(),
  'data.archiveSome': forTenant(async (things) => ({ query: { data: (await things.data()).id } })),
  'uploads.start': withData({ body: { files: [{ name: 'a.txt', size: 3 }] } }),
  'uploads.get': withUpload,
  'uploads.putPart': async (things) => {
    const { id, partUrl } = await things.openUpload(await things.data());
    const query = Object.fromEntries(new URL(partUrl, 'http://x').searchParams);
    return { params: { upload: id, part: '1' }, query, body: new TextEncoder().encode('8 bytes!') };
  },
  'uploads.partAddress': async (things) => {
    const { id, partUrl } = await things.openUpload(await things.data());
    return { params: { upload: id, part: '1' }, query: Object.fromEntries(new URL(partUrl, 'http://x').searchParams) };
  },
  'uploads.complete': forTenant(async (things) => {
    const data = await things.data();
    return { params: { data: data.id }, body: { uploads: [{ id: (await things.fullUpload(data)).id }] } };
  }),
  'uploads.abort': withUpload,

  'datasets.list': forTenant(async () => ({ query: { text: 'data' } })),
  'datasets.create': forTenant(async (things) => ({
    body: {
      name: 'a data set',
      entries: { training: [(await things.data()).id], testing: [(await things.data()).id], validation: [(await things.data()).id] },
    },
  })),
  'datasets.get': withDataset(),
  'datasets.update': forTenant(async (things) => ({
    params: { dataset: (await things.dataset()).id },
    body: { name: 'Renamed', entries: { testing: [(await things.data()).id] } },
  })),
  'datasets.copy': withDataset({ body: { name: 'A copy' } }),
  'datasets.delete': withDataset(),
  'datasets.archive': withDataset(),

  'git.listEndpoints': async () => ({}),
  'git.createEndpoint': async (_things, platform) => ({ body: { name: 'second', kind: 'local', root: platform.gitRoot } }),
  // What a server shows is asked in the tests of git servers; here nothing is asked.
  'git.readHostKeys': async () => ({
    body: { hostKeys: 'git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl' },
  }),
  'git.deleteEndpoint': async (_things, platform) => {
    count.people += 1;
    const { body } = await platform.must(platform.systemAdmin.secret, 'POST', '/v1/git-endpoints', {
      name: `unused-${count.people}`,
      kind: 'local',
      root: platform.gitRoot,
    });
    return { params: { endpoint: body.id } };
  },
  'git.listRepositories': forTenant(async () => ({ params: { endpoint: 'local' } })),
  'git.listBranches': forTenant(async (_things, platform) => ({ params: { endpoint: 'local' }, query: { repository: platform.repository.name } })),
  'git.listCommits': forTenant(async (_things, platform) => ({
    params: { endpoint: 'local' },
    query: { repository: platform.repository.name, revision: 'main' },
  })),

  'git.updateEndpoint': async (_things, platform) => ({
    params: { endpoint: await newGitServer(platform) },
    body: { name: `renamed-${(count.people += 1)}`, lfsHosts: ['lfs.example'] },
  }),
  'gitCredentials.list': forTenant(async () => ({})),
  'gitCredentials.putForTenant': withGitServer({ body: { userName: 'anna', token: 'a token' } }),
  'gitCredentials.deleteForTenant': forTenant(async (things, platform) => {
    const endpoint = await newGitServer(platform);
    await platform.must(platform.systemAdmin.secret, 'PUT', `/v1/tenants/${things.tenant}/git-credentials/${endpoint}`, { token: 'a token' });
    return { params: { endpoint } };
  }),
  'gitCredentials.putMine': withGitServer({ body: { token: 'a token' } }),
  'gitCredentials.deleteMine': forTenant(async (things, platform) => {
    const endpoint = await newGitServer(platform);
    await platform.must(platform.systemAdmin.secret, 'PUT', `/v1/tenants/${things.tenant}/my-git-credentials/${endpoint}`, { token: 'a token' });
    return { params: { endpoint }, as: platform.systemAdmin.secret };
  }),

  'registries.list': async () => ({}),
  'registries.create': async () => ({ body: { name: 'second', address: 'second.example:5000', insecure: true, tokenHosts: ['auth.example'] } }),
  'registries.update': async (_things, platform) => ({ params: { registry: (await newRegistry(platform)).id }, body: { insecure: true } }),
  'registries.delete': async (_things, platform) => ({ params: { registry: (await newRegistry(platform)).id } }),
  'registryCredentials.list': forTenant(async () => ({})),
  'registryCredentials.put': forTenant(async () => ({ params: { host: 'registry.example:5000' }, body: { userName: 'anna', password: 'a password' } })),
  'registryCredentials.delete': forTenant(async (things, platform) => {
    const host = `${things.tenant}.example:5000`;
    const at = `/v1/tenants/${things.tenant}/registry-credentials/${host}`;
    await platform.must(platform.systemAdmin.secret, 'PUT', at, { userName: 'anna', password: 'a password' });
    return { params: { host } };
  }),
  'registries.listImages': forTenant(async () => ({ params: { registry: 'images' }, query: { text: 'model' } })),
  'registries.listTags': forTenant(async () => ({ params: { registry: 'images' }, query: { image: 'team/model' } })),

  'nodes.list': async () => ({}),
  'nodes.update': async () => ({ params: { node: 'fake-node' }, body: { partition: 'west' } }),

  'training.start': forTenant(async (things, platform) => {
    const [dataset, parent] = [await things.dataset(), await things.endedTraining()];
    return {
      body: { name: 'a training', command: 'true', dataset: dataset.id, git: { repository: platform.repository.name }, parents: [parent.id], resources: SMALL },
    };
  }),
  'inference.start': forTenant(async (things, platform) => {
    const [dataset, parent] = [await things.dataset(), await things.endedTraining()];
    const { body } = await platform.must(platform.systemAdmin.secret, 'POST', `/v1/tenants/${things.tenant}/inferences`, {
      name: 'first',
      command: 'true',
      dataset: dataset.id,
      git: { repository: platform.repository.name },
      resources: SMALL,
    });
    await platform.untilRun(things.tenant, body.id, 'succeeded');
    return {
      body: {
        name: 'an inference',
        command: 'true',
        dataset: dataset.id,
        git: { repository: platform.repository.name },
        parents: [parent.id],
        parentInferences: [body.id],
        resources: SMALL,
      },
    };
  }),
  'task.start': forTenant(async () => ({ body: { name: 'a task', command: 'true', resources: SMALL } })),

  'runs.list': forTenant(async () => ({ query: { kind: 'task', text: 'task' } })),
  'runs.get': withRun(),
  'runs.update': withRun({ body: { name: 'Renamed', memo: 'a memo', tags: ['a'], favourite: true } }),
  'runs.stop': forTenant(async (things) => ({ params: { run: (await things.liveTask()).id }, body: { graceSeconds: 0 } })),
  'runs.delete': withRun(),
  'runs.waiting': withRun(),
  'runs.attempts': withRun(),
  'runs.usage': withRun(),
  'runs.timeline': withRun(),
  'runs.log': withRun(),
  'runs.followLog': withRun(),
  'runs.outputs': withRun(),
  'runs.outputContent': withJobsFile('output', { path: 'result.txt' }),
  'runs.searchOutputs': withRun({ query: { text: 'result' } }),
  'runs.outputArchive': withRun(),
  'runs.someOutputsArchive': forTenant(async (things) => ({ query: { run: (await things.endedTask()).id } })),
  'runs.outputPreview': withJobsFile('output', { path: 'result.txt' }),
  'runs.readOutputs': forTenant(async (things, platform) => {
    const { params } = await withJobsFile('output', {})(things, platform);
    return { params: params ?? {}, body: { paths: ['result.txt'] } };
  }),

  'attachments.list': withRun(),
  'attachments.add': withRun({ query: { name: 'notes.txt' }, body: new TextEncoder().encode('8 bytes!') }),
  'attachments.content': withJobsFile('attach', { name: 'result.txt' }),
  'attachments.preview': withJobsFile('attach', { name: 'result.txt' }),
  'attachments.remove': forTenant(async (things, platform) => {
    const run = await things.endedTask();
    const at = `/v1/tenants/${things.tenant}/runs/${run.id}/attachments?name=notes.txt`;
    await platform.must(platform.systemAdmin.secret, 'POST', at, new TextEncoder().encode('8 bytes!'));
    return { params: { run: run.id }, query: { name: 'notes.txt' } };
  }),

  'content.open': forTenant(async (things, platform) => {
    const { params } = await withJobsFile('output', {})(things, platform);
    return { body: { kind: 'output', run: params?.['run'], path: 'result.txt' } };
  }),

  'metrics.listSeries': withMetrics({ query: { prefix: 'lo', kind: 'scalar' } }),
  'metrics.append': withRun({ body: { points: [{ name: 'loss', step: 1, value: 0.5, at: '2026-01-01T00:00:00Z' }] } }),
  'metrics.charts': forTenant(async (things, platform) => {
    const { params } = await withMetrics()(things, platform);
    return { query: { run: params?.['run'] ?? '', name: 'loss', from: '0', to: '10', maxPoints: '100' } };
  }),
  'metrics.compare': forTenant(async (things, platform) => {
    const { params } = await withMetrics()(things, platform);
    return { query: { run: params?.['run'] ?? '', name: 'loss' } };
  }),
  'metrics.names': forTenant(async (things, platform) => {
    await withMetrics()(things, platform);
    return { query: { kind: 'metric', text: 'lo', limit: '10' } };
  }),
  'metrics.listParameters': withMetrics(),
  'metrics.setParameters': withRun({ body: { parameters: [{ name: 'lr', value: '0.1' }] } }),
  'metrics.listItems': withText({ query: { kind: 'text', name: 'note' } }),
  'metrics.rebuild': forTenant(async (things, platform) => {
    const { params } = await withMetrics()(things, platform);
    // As when its files have been read, for which nobody shall wait here.
    await platform.database.db
      .updateTable('runs')
      .set({ metrics_read_at: new Date() })
      .where('id', '=', params?.['run'] ?? '')
      .execute();
    return { params: params ?? {} };
  }),
  'metrics.itemContent': withText({ query: { kind: 'text', name: 'note', item: '0' } }),

  'lineage.get': forTenant(async (things) => ({ params: { kind: 'run', id: (await things.endedTraining()).id } })),
  'lineage.paths': forTenant(async (things) => {
    const [dataset, run] = [await things.dataset(), await things.endedTraining()];
    return { params: { kind: 'dataset', id: dataset.id }, query: { toKind: 'run', toId: run.id } };
  }),
  'lineage.affected': forTenant(async (things) => ({ params: { kind: 'run', id: (await things.endedTraining()).id } })),
  'lineage.openLineage': forTenant(async (things) => ({ query: { since: '2026-01-01T00:00:00Z', run: (await things.endedTraining()).id } })),
  'searches.list': forTenant(async () => ({ query: { thing: 'run' } })),
  'searches.create': forTenant(async () => ({
    body: { thing: 'run', name: 'failed ones', query: 'state:failed', sort: '-ended', columns: ['run', 'name'], shared: false },
  })),
  'searches.update': forTenant(async (things, platform) => ({ ...(await withSavedSearch(things, platform)), body: { name: 'renamed', query: 'tag:old' } })),
  'searches.delete': forTenant(withSavedSearch),
  'live.followChanges': forTenant(async () => ({})),
};
