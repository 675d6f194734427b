import type { TestPlatform } from '#api-tests/test-platform.ts';

export interface Thing {
  readonly id: string;
  readonly number: number;
}

/** Makes things in one tenant, over the API, as somebody who may. */
export interface TenantThings {
  readonly tenant: string;
  /** By id: the other name, a number or `kind-number`, under which the same thing is found. */
  readonly otherNames: ReadonlyMap<string, string>;
  data(): Promise<Thing>;
  dataWithFile(): Promise<{ readonly data: Thing; readonly file: string }>;
  /** One file of eight bytes, of which nothing has arrived. */
  openUpload(data: Thing): Promise<{ readonly id: string; readonly partUrl: string }>;
  /** All parts have arrived. */
  fullUpload(data: Thing): Promise<{ readonly id: string }>;
  dataset(data?: Thing): Promise<Thing>;
  endedTask(): Promise<Thing>;
  /** Runs until it is stopped. Needs the fake executor. */
  liveTask(): Promise<Thing>;
  endedTraining(dataset?: Thing): Promise<Thing>;
  /** A token of whoever has this secret. */
  token(secret: string): Promise<{ readonly id: string; readonly secret: string }>;
}

const FILE = { name: 'file.txt', bytes: new TextEncoder().encode('8 bytes!') };
const SMALL = { cpu: 0.1, memory: 10_000_000 };

export function makeTenantThings(platform: TestPlatform, tenant: string, secret: string): TenantThings {
  const otherNames = new Map<string, string>();
  const post = async (path: string, body: unknown, as = secret) => (await platform.must(as, 'POST', `/v1/tenants/${tenant}/${path}`, body)).body;
  const named = (thing: Thing, kind?: string): Thing => {
    otherNames.set(thing.id, kind === undefined ? String(thing.number) : `${kind}-${thing.number}`);
    return thing;
  };
  const task = async (environment: Record<string, string>): Promise<Thing> =>
    named(await post('tasks', { name: 'a task', command: 'true', environment, resources: SMALL }), 'task');

  const things: TenantThings = {
    tenant,
    otherNames,
    data: async () => named(await post('data', { name: 'some data' })),
    async openUpload(data) {
      const { uploads } = await post(`data/${data.id}/uploads`, { files: [{ name: FILE.name, size: FILE.bytes.length }] });
      return uploads[0];
    },
    async fullUpload(data) {
      const upload = await things.openUpload(data);
      await platform.must(null, 'PUT', upload.partUrl.replace('{part}', '1'), FILE.bytes);
      return upload;
    },
    async dataWithFile() {
      const data = await things.data();
      const { id } = await things.fullUpload(data);
      const { files } = await post(`data/${data.id}/uploads/complete`, { uploads: [{ id }] });
      return { data, file: files[0].id };
    },
    async dataset(data) {
      const entry = data ?? (await things.data());
      return named(await post('datasets', { name: 'a data set', entries: { training: [entry.id] } }));
    },
    async endedTask() {
      const run = await task({});
      await platform.untilRun(tenant, run.id, 'succeeded');
      return run;
    },
    async liveTask() {
      const run = await task({ FAKE_RUN_MS: 'forever' });
      await platform.untilRun(tenant, run.id, 'running');
      return run;
    },
    async endedTraining(dataset) {
      const used = dataset ?? (await things.dataset());
      const run = await post('trainings', {
        name: 'a training',
        command: 'true',
        dataset: used.id,
        git: { repository: platform.repository.name },
        resources: SMALL,
      });
      await platform.untilRun(tenant, run.id, 'succeeded');
      return named(run, 'training');
    },
    token: (as) => post('tokens', { name: 'a token' }, as),
  };
  return things;
}
