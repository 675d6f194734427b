import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { nodeDigests } from '@sodate/client/node-digests.ts';
import { uploadFiles } from '@sodate/client/upload.ts';
import { createData, deleteData } from '@sodate/contract/data.ts';
import { createDataset } from '@sodate/contract/datasets.ts';
import { getLog, getOutput, getRun, listRuns } from '@sodate/contract/run-routes.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeProgram, type Program } from './program.ts';
import { makeTenant, TENANT } from './run-task.ts';
import { allFiles, fetchDigest, fileOf, registerTraining, sha256, train } from './small-training.ts';
import { makeTestHome, signInAsAdmin, type TestHome } from './test-home.ts';
import { until } from './until.ts';

/** Whole servers are started, and everything of one is copied: seconds on an idle machine, a minute on a loaded one. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const at = { tenant: TENANT };
const RESOURCES = { cpu: 0.1, memory: 100_000_000, gpus: 0 };
describe('backup and restore', () => {
  const held: { program: Program | null; folder: string; home: TestHome | null; client: Client | null; dataset: number; live: string } = {
    program: null,
    folder: '',
    home: null,
    client: null,
    dataset: 0,
    live: '',
  };
  const client = (): Client => held.client ?? expect.fail('no client');
  const home = (): TestHome => held.home ?? expect.fail('no home');
  const places = { backup: '', later: '' };

  beforeAll(async () => {
    held.program = await makeProgram();
    held.folder = await mkdtemp(path.join(tmpdir(), 'sodate-e2e-backup-'));
    held.home = await makeTestHome(held.program.file);
    const { url } = await home().up();
    held.client = await signInAsAdmin(url);
    await makeTenant(client());
    await registerTraining(client(), path.join(home().folder, 'git', 'repositories'));
    const { id } = await client().call(createData, { params: at, body: { name: 'images' } });
    const files = Array.from({ length: 60 }, (_nothing, index) => fileOf(`folder ${index % 3}/${index}.png`, randomBytes(2_000)));
    await uploadFiles(client(), { tenant: TENANT, data: id, files: [...files, fileOf('large.bin', randomBytes(2_000_000))] });
    const entries = { training: [id] };
    held.dataset = (await client().call(createDataset, { params: at, body: { name: 'a data set', entries } })).number;
  });
  afterAll(async () => {
    await held.home?.remove();
    await held.program?.remove();
    await rm(held.folder, { recursive: true, force: true });
  });

  it('a backup made while uploads, deletions and runs pass is restored into an empty home: every digest is the same, and a training runs again', async () => {
    const trained = await train(client(), held.dataset);
    expect(trained.state).toBe('succeeded');
    const live = await client().call(startTask, {
      params: at,
      body: { name: 'goes on', command: 'echo begun; touch /kqi/output/begun 2>/dev/null || true; sleep 600', resources: RESOURCES },
    });
    held.live = live.id;
    await until('the run runs', async () => (await client().call(getRun, { params: { ...at, run: live.id } })).state === 'running');

    places.backup = path.join(held.folder, 'first');
    const before = await allFiles(client());
    const stop = new AbortController();
    const noise = (async () => {
      for (let round = 0; !stop.signal.aborted; round += 1) {
        const data = await client().call(createData, { params: at, body: { name: `made meanwhile ${round}` } });
        const files = [fileOf('small', randomBytes(1_000)), fileOf('large', randomBytes(1_500_000)), fileOf('equal', Buffer.from('the same everywhere'))];
        await uploadFiles(client(), { tenant: TENANT, data: data.id, files, digests: nodeDigests });
        if (round % 2 === 1) await client().call(deleteData, { params: { ...at, data: data.id } });
      }
    })();
    const backedUp = await home().run(['backup', places.backup, '--json']);
    stop.abort();
    await noise;
    expect(backedUp.code, backedUp.stderr).toBe(0);
    expect(JSON.parse(backedUp.stdout)).toMatchObject({ target: places.backup, liveRuns: [live.id], troubles: [] });
    expect(await readdir(held.folder)).toEqual(['first']);

    const restored = await makeTestHome(held.program?.file ?? '', { folder: path.join(held.folder, 'home') });
    onTestFinished(() => restored.remove());
    const put = await restored.run(['restore', places.backup]);
    expect(put.code, put.stderr).toBe(0);
    const { url } = await restored.up();
    const second = await signInAsAdmin(url);
    const after = await allFiles(second);
    for (const [file, digest] of before) if (after.has(file)) expect(after.get(file)).toBe(digest);
    expect([...before.keys()].filter((file) => !after.has(file))).toEqual([]);
    for (const [file, digest] of after) expect(await fetchDigest(second, file)).toBe(digest);

    const params = { ...at, run: trained.id };
    expect(await (await second.bytes(getLog, { params })).text()).toBe(await (await client().bytes(getLog, { params })).text());
    expect((await second.call(getRun, { params })).state).toBe('succeeded');
    // The same files give the same model.
    const output = { params, query: { path: 'model.json' } };
    expect(await (await second.bytes(getOutput, output)).text()).toBe(await (await client().bytes(getOutput, output)).text());
    // Numbers go on where they were, and the same data set, commit and repository serve again.
    const again = await train(second, held.dataset);
    expect(again.state, JSON.stringify(again.failure)).toBe('succeeded');
    expect(again.number).toBeGreaterThan(trained.number);
    const made = { params: { ...at, run: again.id }, query: { path: 'model.json' } };
    expect(await (await second.bytes(getOutput, made)).text()).toBe(await (await client().bytes(getOutput, output)).text());
    await until('what was under way is tried again', async () => {
      const { items } = await second.call(listRuns, { params: at, query: { text: 'goes on' } });
      return items[0]?.state === 'running' && items[0].attempt === 2;
    });
    // The files that a backup makes stay what they are: the first installation is none the wiser.
    expect((await client().call(getRun, { params: { ...at, run: live.id } })).attempt).toBe(1);
  });

  it('an incremental backup shares the bytes of the one before, and is whole by itself', async () => {
    places.later = path.join(held.folder, 'later');
    const made = await home().run(['backup', places.later, '--incremental', places.backup]);
    expect(made.code, made.stderr).toBe(0);
    const objects = (await readdir(path.join(places.backup, 'objects'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    // What was deleted since the first one is in that one only.
    const names = objects.map((entry) => path.relative(places.backup, path.join(entry.parentPath, entry.name)));
    const name = names.find((each) => existsSync(path.join(places.later, each))) ?? expect.fail('nothing is shared');
    expect((await stat(path.join(places.later, name))).ino).toBe((await stat(path.join(places.backup, name))).ino);
    expect(await home().run(['restore', places.later, '--verify'])).toMatchObject({ code: 0, stdout: expect.stringContaining('is whole') });
    expect(await home().run(['backup', places.later])).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') });
  });

  it('a file that is nothing but a hole is named and left out', async () => {
    const hole = path.join(home().folder, 'runs', held.live, 'output', 'hole');
    await writeFile(hole, '');
    onTestFinished(() => rm(hole));
    await truncate(hole, 2 ** 42);
    const target = path.join(held.folder, 'without a hole');
    expect(await home().run(['backup', target])).toMatchObject({ code: 1, stderr: expect.stringContaining('output/hole is a hole of 4398046511104 bytes') });
    expect(await home().run(['restore', target, '--verify'])).toMatchObject({ code: 0 });
  });

  it('a damaged backup is refused by the name of the file, and so are one of a newer version and one that was cut off', async () => {
    const objects = (await readdir(path.join(places.later, 'objects'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const [one] = objects;
    const name = path.relative(places.later, path.join(one?.parentPath ?? '', one?.name ?? ''));
    const damage = async (what: string, change: (folder: string) => Promise<void>): Promise<string> => {
      const folder = path.join(held.folder, what);
      await cp(places.later, folder, { recursive: true });
      await change(folder);
      const empty = path.join(held.folder, `home of ${what}`);
      const { code, stderr } = await home().run(['restore', folder], { environment: { SODATE_HOME: empty } });
      expect(code).toBe(1);
      expect(await readdir(empty).catch(() => [])).toEqual([]);
      return stderr;
    };
    expect(
      await damage('other bytes', async (folder) => {
        const bytes = await readFile(path.join(folder, name));
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        await rm(path.join(folder, name));
        await writeFile(path.join(folder, name), bytes);
      }),
    ).toContain(`${name} has other bytes`);
    expect(await damage('missing', (folder) => rm(path.join(folder, name)))).toContain(`${name} is missing`);
    expect(await damage('table cut off', (folder) => writeFile(path.join(folder, 'database/data.copy'), ''))).toContain('database/data.copy');
    expect(await damage('manifest', (folder) => appendFile(path.join(folder, 'manifest.json'), ' '))).toContain('manifest.json does not have the digest');
    expect(await damage('list', (folder) => appendFile(path.join(folder, 'files.jsonl'), '{}\n'))).toContain('files.jsonl');
    expect(await damage('no manifest', (folder) => rm(path.join(folder, 'manifest.json')))).toContain('is no backup, or one that was not finished');
    const newer = await damage('newer', async (folder) => {
      const file = path.join(folder, 'manifest.json');
      const manifest = JSON.parse(await readFile(file, 'utf8')) as { migrations: unknown[] };
      manifest.migrations.push({ name: '9999-from-the-future.sql', digest: '0' });
      const text = JSON.stringify(manifest);
      await writeFile(file, text);
      await writeFile(path.join(folder, 'manifest.sha256'), sha256(Buffer.from(text)).slice('sha256:'.length));
    });
    expect(newer).toContain('made by a newer Sodate');
  });

  it('is restored only into an empty home, and one that was cut off says what to do', async () => {
    const full = path.join(held.folder, 'full');
    await mkdir(full);
    await writeFile(path.join(full, 'something'), '');
    const environment = { SODATE_HOME: full };
    expect((await home().run(['restore', places.later], { environment })).stderr).toContain('is not empty');
    expect(await readdir(full)).toEqual(['something']);

    const cut = path.join(held.folder, 'cut off');
    const running = home().begin(['restore', places.later], { environment: { SODATE_HOME: cut } });
    await until('it has begun', async () => (await readdir(cut).catch((): string[] => [])).includes('key'));
    process.kill(running.pid, 'SIGKILL');
    await running.ended;
    const again = await home().run(['restore', places.later], { environment: { SODATE_HOME: cut } });
    expect(again.stderr).toContain('was cut off. Remove that folder');
    expect((await home().run(['up'], { environment: { SODATE_HOME: cut } })).stderr).toContain('was cut off. Remove that folder');
    await home().run(['down'], { environment: { SODATE_HOME: cut } });
  });

  it('without a server the database is started for the time of the backup, and ended after it', async () => {
    expect((await home().run(['down', '--jobs'])).code).toBe(0);
    const made = await home().run(['backup', path.join(held.folder, 'at rest')]);
    expect(made.code, made.stderr).toBe(0);
    expect((await home().run(['status'])).code).toBe(3);
    expect(await home().run(['backup'], { environment: { SODATE_HOME: path.join(held.folder, 'nowhere') } })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is nothing to back up'),
    });
  });
});
