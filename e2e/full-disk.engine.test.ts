import { randomBytes } from 'node:crypto';
import { readdir, rename, stat, statfs, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { completeUploads, createData, getData, putPart, startUploads } from '@sodate/contract/data.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { deleteRun, listAttempts } from '@sodate/contract/run-routes.ts';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DISK_RESERVE_BYTES } from '../server/kit/disk-reserve.ts';
import { processesOf } from './home-processes.ts';
import { findTraces } from './home-traces.ts';
import { type Program, makeProgram } from './program.ts';
import { makeTenant, readRun, runTask, startScript, TENANT, untilState } from './run-task.ts';
import { makeSmallDisk, type SmallDisk, whyNoSmallDisk } from './small-disk.ts';
import { isHealthy, makeTestHome, signInAsAdmin, type TestHome } from './test-home.ts';
import { until } from './until.ts';

const MEBIBYTE = 2 ** 20;
/** A database takes 100, and jobs start only while 256 are free. */
const DISK_MEBIBYTES = 700;
/** Whole servers are started, several times a test: seconds on an idle machine, a minute on a loaded one. */
vi.setConfig({ testTimeout: 300_000 });

const held: { program: Program | null } = { program: null };
const why = await whyNoSmallDisk();

async function useSmallHome(mebibytes: number): Promise<{ readonly disk: SmallDisk; readonly home: TestHome }> {
  const disk = await makeSmallDisk(mebibytes);
  onTestFinished(() => disk.remove());
  const home = await makeTestHome(held.program?.file ?? '', { folder: path.join(disk.folder, 'home') });
  onTestFinished(() => home.remove());
  return { disk, home };
}

describe.skipIf(why !== null)(`a full disk${why === null ? '' : ` (skipped: ${why})`}`, () => {
  beforeAll(async () => {
    held.program = await makeProgram();
  });
  afterAll(async () => {
    await held.program?.remove();
  });

  it('makes a first start end with a clear text, and the same home starts when there is space', async () => {
    const { disk, home } = await useSmallHome(600);
    // Nothing at all; not enough for a database; nearly enough.
    for (const leave of [0, 10, 40]) {
      await disk.fill(leave * MEBIBYTE);
      const { code, stderr } = await home.run(['up']);
      expect(stderr, `${leave} MiB free`).toMatch(/^error: .*/m);
      expect(stderr, `${leave} MiB free`).toMatch(/disk.*full|No space left/i);
      expect(stderr, 'a stack is for developers').not.toMatch(/^\s+at .+:\d+/m);
      expect(code).toBe(1);
      expect(await processesOf(home.folder)).toEqual([]);
      await disk.free();
    }
    const server = await home.up();
    await signInAsAdmin(server.url);
    expect(await home.run(['down'])).toMatchObject({ code: 0 });
  });

  it('refuses an upload with 507, keeps nothing of it, and takes it when there is space', async () => {
    const { disk, home } = await useSmallHome(500);
    const server = await home.up();
    const client = await signInAsAdmin(server.url);
    await makeTenant(client);
    const data = await client.call(createData, { params: { tenant: TENANT }, body: { name: 'too large' } });
    const params = { tenant: TENANT, data: data.id };
    const size = 12 * MEBIBYTE;
    const content = randomBytes(size);
    const { uploads } = await client.call(startUploads, { params, body: { files: [{ name: 'file', size }] } });
    const [upload] = uploads;
    const send = (): Promise<Response> =>
      client.exchange({
        method: putPart.method,
        path: upload?.partUrl.replace('{part}', '1') ?? '',
        headers: { 'content-type': 'application/octet-stream' },
        body: content,
        repeatable: false,
        anonymous: true,
      });

    await disk.fill(5 * MEBIBYTE);
    await expectDiskFull(send());
    // Refused in the middle of the part; the connection must still be good for what comes next on it.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const address = new URL(upload?.partUrl.replace('{part}', '1') ?? '', server.url);
    expect(await statusOf(agent, 'PUT', address, content)).toBe(507);
    expect(await statusOf(agent, 'GET', new URL('/v1/health', server.url))).toBe(200);
    await expectDiskFull(client.call(startUploads, { params, body: { files: [{ name: 'another', size }] } }));
    expect(await freeBytes(disk)).toBeGreaterThan(3 * MEBIBYTE);
    expect(await client.call(getData, { params })).toMatchObject({ fileCount: 0, totalSize: 0 });
    expect(await isHealthy(server.url)).toBe(true);

    await disk.free();
    expect((await send()).status).toBe(200);
    const { files } = await client.call(completeUploads, { params, body: { uploads: [{ id: upload?.id ?? '' }] } });
    expect(files).toMatchObject([{ name: 'file', size }]);
  });

  it('ends a run that fills it as a failure, and the platform goes on once there is space', async () => {
    const { disk, home } = await useSmallHome(DISK_MEBIBYTES);
    const server = await home.up();
    const client = await signInAsAdmin(server.url);
    await makeTenant(client);
    const { installation } = await client.call(getHealth);
    await until('room is set aside', async () => (await stat(path.join(home.folder, 'reserve')).catch(() => null))?.size === DISK_RESERVE_BYTES);
    // What is written to a disk in memory counts as the job's memory.
    const greedy = await runTask(
      client,
      // In large pieces: what is given back meanwhile is not taken as well.
      'echo begin; if dd if=/dev/zero of="$SAKURA_ARTIFACT_DIR/big" bs=16M count=128 2>/dev/null; then exit 0; fi; exit 28',
      2 * DISK_MEBIBYTES * MEBIBYTE,
    );
    expect(greedy).toMatchObject({ state: 'failed', exitCode: 28, failure: { class: 'user-error', fault: 'user' } });
    expect((await client.call(listAttempts, { params: { tenant: TENANT, run: greedy.id } })).items).toHaveLength(1);
    // What the platform had set aside was given back, or the end could not have been written down.
    expect(await freeBytes(disk)).toBeLessThan(DISK_RESERVE_BYTES + MEBIBYTE);
    await until('what was set aside is given back', async () => !(await readdir(home.folder)).includes('reserve'));
    expect(await isHealthy(server.url)).toBe(true);

    // The next one waits and is not lost, as long as there is no space.
    const next = await startScript(client, 'echo done');
    await client.call(deleteRun, { params: { tenant: TENANT, run: greedy.id } });
    await until('the space of the deleted run is free again', async () => (await freeBytes(disk)) > 300 * MEBIBYTE);
    const ended = await untilState(client, next, 'succeeded');
    expect((await client.call(listAttempts, { params: { tenant: TENANT, run: next } })).items, 'a full disk is no failure of the run').toMatchObject([
      { number: 1, failure: null },
    ]);
    expect(ended.exitCode).toBe(0);
    expect(await home.run(['down'])).toMatchObject({ code: 0 });
    expect(await findTraces(home.folder, installation)).toEqual([]);
  });

  it('that is filled while the platform runs takes nothing that was acknowledged, and running jobs keep their exit codes', async () => {
    const { disk, home } = await useSmallHome(DISK_MEBIBYTES);
    const server = await home.up();
    const client = await signInAsAdmin(server.url);
    await makeTenant(client);
    const run = await startScript(client, 'until [ -e "$SAKURA_ARTIFACT_DIR/go" ]; do sleep 0.1; done; exit 9');
    await untilState(client, run, 'running');
    await writeFile(path.join(home.folder, 'runs', run, 'output', 'go.new'), '');
    await disk.fill(0);
    // Renaming needs no space.
    await rename(path.join(home.folder, 'runs', run, 'output', 'go.new'), path.join(home.folder, 'runs', run, 'output', 'go'));
    const acknowledged: string[] = [];
    for (let tries = 0; tries < 30; tries += 1) {
      const id = await startScript(client, `exit ${tries % 3}`).catch(() => null);
      if (id !== null) acknowledged.push(id);
    }
    await disk.free();
    expect(await untilState(client, run, 'failed')).toMatchObject({ exitCode: 9, attempt: 1 });
    for (const id of acknowledged) await untilState(client, id, 'succeeded', 'failed');
    expect((await readdir(path.join(home.folder, 'attempts'))).length).toBe(0);
    expect(await readRun(client, run)).toMatchObject({ state: 'failed' });
  });
});

async function expectDiskFull(answer: Promise<unknown>): Promise<void> {
  const error = await answer.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(isSodateError(error) && error.code).toBe('disk-full');
  expect(error).toMatchObject({ status: 507 });
}

/** By one connection at a time, the next request on the one before. */
function statusOf(agent: Agent, method: string, url: URL, body?: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { agent, method, headers: body ? { 'content-type': 'application/octet-stream', 'content-length': body.length } : {} },
      (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      },
    );
    sent.on('error', reject).end(body);
  });
}

async function freeBytes({ folder }: SmallDisk): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
