import { execFile, spawnSync } from 'node:child_process';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Client } from '@sodate/client/make-client.ts';
import { createGitEndpoint } from '@sodate/contract/git.ts';
import { startInference } from '@sodate/contract/inference.ts';
import { getLog, getOutput, getRun, listOutputs, type Run } from '@sodate/contract/run-routes.ts';
import { updateTenant } from '@sodate/contract/tenants.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { attachFile, listAttachments } from '@sodate/contract/attachments.ts';
import { buildPath } from '@sodate/client/build-path.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeDataset, makeTenantAndUser, TENANT } from '../scripts/demo/demo-content.ts';
import { CHECKOUT, makeProgram, type Program } from './program.ts';
import { makeTestHome, signInAsAdmin, type TestHome } from './test-home.ts';
import { until } from './until.ts';

/** A whole server, and Python with its packages: seconds on an idle machine, a minute on a loaded one. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** What stands under /usr is what the sandbox shows to jobs, so Debian's Python is looked at, whichever is first in PATH. */
const PYTHON = '/usr/bin/python3';
function whyNot(...packages: readonly string[]): string | null {
  const { status, stderr } = spawnSync(PYTHON, ['-c', `import ${packages.join(', ')}`], { encoding: 'utf8' });
  if (status === 0) return null;
  return `${PYTHON} lacks what it imports: ${(stderr ?? 'there is no such program').trim().split('\n').at(-1)}`;
}

const held: { program?: Program; home?: TestHome; client?: Client; dataset?: string } = {};
const client = (): Client => held.client as Client;
const params = { tenant: TENANT };

const EXAMPLES = [
  { name: 'digits-sklearn', model: 'model.joblib', why: whyNot('sklearn', 'joblib', 'numpy', 'PIL') },
  { name: 'digits-pytorch', model: 'model.pt', why: whyNot('torch', 'numpy', 'PIL') },
];
const runnable = EXAMPLES.filter(({ why }) => why === null);

beforeAll(async () => {
  if (runnable.length === 0) return;
  held.program = await makeProgram();
  held.home = await makeTestHome(held.program.file, { environment: { SODATE_EXECUTORS: 'local' } });
  const gitRoot = path.join(held.home.folder, 'repositories');
  for (const { name } of runnable) await makeRepository(path.join(gitRoot, name), path.join(CHECKOUT, 'examples', name));
  const { url } = await held.home.up({ environment: { SODATE_GIT_ROOT: gitRoot } });
  held.client = await signInAsAdmin(url);
  await makeTenantAndUser(client(), 'a password of the user');
  await client().call(createGitEndpoint, { body: { name: 'local', kind: 'local', root: gitRoot } });
  held.dataset = String(await makeDataset(client(), () => {}));
});
afterAll(async () => {
  await held.home?.remove();
  await held.program?.remove();
});

async function makeRepository(folder: string, from: string): Promise<void> {
  await cp(from, folder, { recursive: true, filter: (source) => !source.includes('__pycache__') });
  const git = (...args: string[]): Promise<unknown> =>
    promisify(execFile)('git', ['-c', 'user.name=Tests', '-c', 'user.email=tests@localhost', '-c', 'init.defaultBranch=main', ...args], { cwd: folder });
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'The example');
}

async function untilSucceeded(id: string): Promise<Run> {
  const where = { ...params, run: id };
  const run = await until(`run ${id} has ended`, async () => {
    const now = await client().call(getRun, { params: where });
    return ['succeeded', 'failed', 'cancelled'].includes(now.state) ? now : null;
  });
  if (run.state !== 'succeeded') throw new Error(`${run.state}: ${run.failure?.message} ${await (await client().bytes(getLog, { params: where })).text()}`);
  return run;
}

const RESOURCES = { cpu: 1, memory: 2_000_000_000, gpus: 0 };

describe.each(EXAMPLES)('the example $name', ({ name, model, why }) => {
  it.skipIf(why !== null)(`trains with metrics and infers, at least 95 of 100 digits right${why === null ? '' : ` (skipped: ${why})`}`, async () => {
    const body = { dataset: held.dataset ?? '', git: { repository: name }, resources: RESOURCES, name };
    const submitted = await client().call(startTraining, { params, body: { ...body, command: [PYTHON, 'train.py'], environment: { EPOCHS: '25' } } });
    const training = await untilSucceeded(submitted.id);
    const metrics = await (await client().bytes(getOutput, { params: { ...params, run: training.id }, query: { path: 'metrics.jsonl' } })).text();
    const lines = metrics
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>);
    expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect(lines.at(-1)?.['loss']).toBeLessThan((lines[0]?.['loss'] ?? 0) / 5);
    const { items } = await client().call(listOutputs, { params: { ...params, run: training.id } });
    expect(items.map((item) => item.name)).toEqual(expect.arrayContaining(['metrics.jsonl', model]));

    const applied = await client().call(startInference, { params, body: { ...body, command: [PYTHON, 'infer.py'], parents: [String(training.number)] } });
    const inference = await untilSucceeded(applied.id);
    expect(Number(inference.outputValue)).toBeGreaterThanOrEqual(0.95);
    expect(inference.outputValue).toBe(lines.at(-1)?.['testing_accuracy']?.toFixed(4));
  });
});

const [first] = runnable;
describe('attachments', () => {
  const why = first === undefined ? 'no example can run here' : null;
  it.skipIf(why !== null)(`are in /kqi/attach when the job starts, and what it writes there is one${why === null ? '' : ` (skipped: ${why})`}`, async () => {
    const start = async (name: string, command: string): Promise<string> => {
      const body = {
        name,
        dataset: held.dataset ?? '',
        git: { repository: first?.name ?? '' },
        resources: { cpu: 0.1, memory: 100_000_000, gpus: 0 },
        command,
      };
      return (await client().call(startTraining, { params, body })).id;
    };
    const attach = async (run: string, name: string, content: string): Promise<void> => {
      const at = buildPath(attachFile.path, { ...params, run }, { name });
      const headers = { 'content-type': 'application/octet-stream' };
      await (await client().exchange({ method: attachFile.method, path: at, headers, body: content, repeatable: true })).body?.cancel();
    };
    const folder = '"${SODATE_ROOT:-}/kqi/attach"';
    // There is room for one: the second waits until the first has found what is attached to it while it runs.
    await client().call(updateTenant, { params, body: { quota: { cpu: 0.1 } } });
    const before = await start('waits', `while [ ! -e ${folder}/go.txt ]; do sleep 0.05; done`);
    const reader = await start('reads', `cd ${folder} && cat notes.txt > ../output/value.txt && echo done > own.txt`);
    await attach(reader, 'notes.txt', 'what somebody attached');
    expect((await client().call(getRun, { params: { ...params, run: reader } })).state).toBe('queued');
    await attach(before, 'go.txt', '');
    await untilSucceeded(before);
    await untilSucceeded(reader);
    const value = await (await client().bytes(getOutput, { params: { ...params, run: reader }, query: { path: 'value.txt' } })).text();
    expect(value).toBe('what somebody attached');
    const { items } = await client().call(listAttachments, { params: { ...params, run: reader } });
    const found = items.map((item) => [item.name, item.attachedBy?.name ?? null]);
    expect(found).toContainEqual(['notes.txt', 'admin']);
    expect(found).toContainEqual(['own.txt', null]);
  });
});
