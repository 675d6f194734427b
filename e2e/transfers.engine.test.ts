import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createData, getData } from '@sodate/contract/data.ts';
import { listOutputs, stopRun } from '@sodate/contract/run-routes.ts';
import { createToken } from '@sodate/contract/tokens.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kill } from './home-processes.ts';
import { makeProgram, type Program } from './program.ts';
import { makeTenant, startScript, TENANT, untilState } from './run-task.ts';
import { freePort } from '../server/kit/testing/free-port.ts';
import { beginProcess, makeTestHome, type Running, signInAsAdmin, type TestHome } from './test-home.ts';
import { until } from './until.ts';

/** A whole server is started three times, and the command ten times. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const FILES = 1_500;
const PER_FOLDER = 100;
const LARGE_BYTES = 9_000_000;

describe('a folder of many files', () => {
  const held: { program?: Program; home?: TestHome; server?: (Running & { readonly url: string }) | undefined; folder: string; token: string; data: string } = {
    folder: '',
    token: '',
    data: '',
  };
  const source = (): string => path.join(held.folder, 'source');
  const cli = (...words: readonly string[]): Running =>
    beginProcess([process.execPath, path.join(path.dirname(held.program?.file ?? ''), 'cli.mjs'), ...words], {
      PATH: process.env['PATH'],
      XDG_CONFIG_HOME: held.folder,
      XDG_CACHE_HOME: path.join(held.folder, 'cache'),
      SODATE_SERVER: held.server?.url,
      SODATE_TOKEN: held.token,
      SODATE_TENANT: TENANT,
    });

  beforeAll(async () => {
    held.program = await makeProgram();
    held.folder = await mkdtemp(path.join(tmpdir(), 'sodate-e2e-transfers-'));
    held.home = await makeTestHome(held.program.file, { environment: { SODATE_PORT: String(await freePort()) } });
    held.server = await held.home.up();
    const client = await signInAsAdmin(held.server.url);
    await makeTenant(client);
    held.token = (await client.call(createToken, { params: { tenant: TENANT }, body: { name: 'transfers' } })).secret;
    held.data = (await client.call(createData, { params: { tenant: TENANT }, body: { name: 'many' } })).id;
    for (let at = 0; at < FILES; at += 1) {
      const folder = path.join(source(), String(Math.floor(at / PER_FOLDER)));
      if (at % PER_FOLDER === 0) await mkdir(folder, { recursive: true });
      // Some of no bytes, and no two alike.
      await writeFile(path.join(folder, `${at}.bin`), randomBytes(at % 100 === 0 ? 0 : 1_000 + at));
    }
    for (const name of ['a large one', 'z large one']) await writeFile(path.join(source(), name), randomBytes(LARGE_BYTES));
  });
  afterAll(async () => {
    await held.home?.remove();
    await held.program?.remove();
    await rm(held.folder, { recursive: true, force: true });
  });

  it('goes up though the command is killed, and goes on with what is missing', async () => {
    const { url = '' } = held.server ?? {};
    const client = await signInAsAdmin(url);
    const stored = async (): Promise<number> => (await client.call(getData, { params: { tenant: TENANT, data: held.data } })).fileCount;
    for (const share of [0.2, 0.6]) {
      const upload = cli('data', 'upload', held.data, source());
      await until('a part of the files is stored', async () => upload.hasEnded() || (await stored()) >= FILES * share);
      kill(upload.pid, 'SIGKILL');
      await upload.ended;
    }
    const last = await cli('data', 'upload', held.data, source()).ended;
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expect(await stored()).toBe(FILES + 2);
  });

  it('comes down, every byte of it, though the command and the server are killed', async () => {
    const into = path.join(held.folder, 'back');
    const arrived = (): Promise<number> => filesIn(into);
    const download = (...more: readonly string[]): Running => cli('data', 'download', held.data, '--into', into, ...more);
    for (const share of [0.1, 0.4]) {
      // One at a time, so that something is left when it is killed.
      const running = download('--concurrency', '1');
      await until('a part of the files has come', async () => running.hasEnded() || (await arrived()) >= FILES * share);
      kill(running.pid, 'SIGKILL');
      await running.ended;
    }
    const running = download();
    await until('more of the files has come', async () => running.hasEnded() || (await arrived()) >= FILES * 0.6);
    kill(held.server?.pid ?? 0, 'SIGKILL');
    await held.server?.ended;
    held.server = await held.home?.up();
    const last = await running.ended;
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expect(Number(/ (\d+) of them were there already/.exec(last.stdout)?.[1])).toBeGreaterThanOrEqual(FILES * 0.4);

    expect(await digestsBelow(into)).toEqual(await digestsBelow(source()));
    expect(await readdir(path.join(held.folder, 'cache/sodate/downloads')), 'what was noted for going on is gone').toEqual([]);
    expect((await download().ended).stdout).toContain(`${FILES + 2} of them were there already`);
  });

  it('of outputs comes down while its run goes on and afterwards, though the command and the server are killed', async () => {
    const client = await signInAsAdmin(held.server?.url ?? '');
    const script = `set -e; for folder in $(seq 0 14); do
      mkdir -p "$SAKURA_ARTIFACT_DIR/many/$folder"
      head -c $((100 * (folder * 90 + 1))) /dev/urandom | split -a 3 -b $((folder * 90 + 1)) - "$SAKURA_ARTIFACT_DIR/many/$folder/"
    done
    touch "$SAKURA_ARTIFACT_DIR/written"; sleep 1000`;
    const run = await startScript(client, script);
    const output = path.join(held.home?.folder ?? '', 'runs', run, 'output');
    await until('the job has written its files', async () => {
      const { items } = await client.call(listOutputs, { params: { tenant: TENANT, run } });
      return items.some(({ name }) => name === 'written');
    });
    const fromRunning = path.join(held.folder, 'of a run that goes on');
    expect(await cli('run', 'download', run, '--into', fromRunning).ended).toMatchObject({ code: 0, stderr: '' });
    expect(await digestsBelow(fromRunning)).toEqual(await digestsBelow(output));

    await client.call(stopRun, { params: { tenant: TENANT, run }, body: { graceSeconds: 0 } });
    await untilState(client, run, 'cancelled');
    const into = path.join(held.folder, 'outputs');
    const download = (): Running => cli('run', 'download', run, 'many', '--into', into);
    const first = download();
    await until('a part of the files has come', async () => first.hasEnded() || (await filesIn(into)) >= FILES * 0.2);
    kill(held.server?.pid ?? 0, 'SIGKILL');
    await held.server?.ended;
    held.server = await held.home?.up();
    expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
    expect(await digestsBelow(path.join(into, 'many'))).toEqual(await digestsBelow(path.join(output, 'many')));

    // From then on there are digests, by which what has come is known.
    const afterwards = await signInAsAdmin(held.server?.url ?? '');
    await until('the server has read what the run left', async () => {
      const { items } = await afterwards.call(listOutputs, { params: { tenant: TENANT, run } });
      return items.some(({ name, digest }) => name === 'written' && digest !== null);
    });
    await rm(into, { recursive: true });
    const killed = download();
    await until('a part of the files has come', async () => killed.hasEnded() || (await filesIn(into)) >= FILES * 0.2);
    kill(killed.pid, 'SIGKILL');
    await killed.ended;
    const last = await download().ended;
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expect(Number(/ (\d+) of them were there already/.exec(last.stdout)?.[1])).toBeGreaterThanOrEqual(FILES * 0.2);
    expect(await digestsBelow(path.join(into, 'many'))).toEqual(await digestsBelow(path.join(output, 'many')));
  });
});

/** Those that have come whole. */
const filesIn = async (folder: string): Promise<number> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile() && !entry.name.endsWith('.part')).length;

async function digestsBelow(folder: string): Promise<Map<string, string>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = entries.map((entry) => path.join(entry.parentPath, entry.name));
  const digests = await Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  );
  return new Map(files.map((file, at) => [path.relative(folder, file), digests[at] ?? '']));
}
