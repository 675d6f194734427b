import { useTestPlatform } from '#api-tests/test-platform.ts';
import { provideMlflowClient } from '#mlflow/testing/provide-mlflow-client.ts';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const client = await provideMlflowClient();
const missing = 'missing' in client ? client.missing : null;
const python = 'python' in client ? client.python : '';

/** Runs code with the published client; nothing of this process's environment reaches it but where programs are. */
async function runScript(script: string, environment: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-mlflow-'));
  try {
    const { stdout } = await run(python, [path.join(import.meta.dirname, 'testing', script)], {
      cwd: folder,
      timeout: 110_000,
      maxBuffer: 64 * 1024 * 1024,
      env: { PATH: '/usr/bin:/bin', HOME: folder, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0', MLFLOW_DISABLE_TELEMETRY: 'true', ...environment },
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the script finds wherever it runs. */
const EVERYWHERE = {
  default: ['Default', '0'],
  absent: null,
  'experiment tag': { team: 'vision' },
  'taken name': 'RESOURCE_ALREADY_EXISTS',
  'same param': null,
  'other param': 'INVALID_PARAMETER_VALUE',
  name: 'parent',
  params: { layers: '3', optimizer: 'adam', rate: '0.01' },
  metrics: { accuracy: '0.9', loss: '0.2', 'not a number': 'nan', over: 'inf', under: '-inf' },
  tags: { note: "日本語 and 'quotes'", stage: 'search' },
  description: 'tries all',
  history: [
    [0, 1],
    [1, 0.5],
    [2, 1 / 3],
    [3, 0.25],
    [4, 0.2],
  ],
  'no history': 0,
  batch: [2000, 499.5, 1999],
  all: ['child 0', 'child 1', 'child 2', 'parent'],
  'by metric': ['child 2', 'child 1'],
  'by param': ['child 1'],
  'by like': ['child 1', 'child 2'],
  'by parent': ['child 0', 'child 1', 'child 2'],
  'by tag': ['parent'],
  'by quoted': [],
  'by time': 0,
  'by id': ['parent'],
  'by absence': ['parent'],
  ordered: ['child 0', 'child 1', 'child 2'],
  'bad filter': 'INVALID_PARAMETER_VALUE',
  pages: [3, 1, null, 4],
  experiments: ['digits'],
  'listed deeper': [['all of it/deep/er/b.json', false, 8]],
  downloaded: ['a.txt', 'all of it/a.txt', 'all of it/deep/er/b.json', 'all of it/empty', 'dict.json', 'texts/greeting.txt'],
  content: '今日は',
  empty: 0,
  'after delete': [],
  inputs: [['digits', 'abc123', [['mlflow.data.context', 'training']]]],
  'by data set': ['parent'],
  deleted: ['deleted', false],
  'log to deleted': 'INVALID_PARAMETER_VALUE',
  'deleted only': ['parent'],
  ends: ['FAILED', 'KILLED'],
  'invented name': true,
  'no run': 'RESOURCE_DOES_NOT_EXIST',
  registry: 'FEATURE_DISABLED',
};

const LISTED = [
  ['a.txt', false, 18],
  ['all of it', true, null],
  ['dict.json', false, 12],
  ['texts', true, null],
];

describe.skipIf(missing !== null)(`MLflow's published client${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const opened = useTestPlatform({ executor: 'local', isolation: 'none' });

  it('finds everything it knows, from outside with a token', { timeout: 150_000 }, async () => {
    const p = opened();
    const token = await p.makeToken(p.foreigner, 'beta');
    const found = await runScript('use-client.py', { MLFLOW_TRACKING_URI: p.url, MLFLOW_TRACKING_TOKEN: token.secret });
    expect(found).toEqual({ ...EVERYWHERE, status: 'FINISHED', ended: true, 'by status': 4, listed: LISTED, run: expect.any(String) });
    const { body } = await p.must(p.foreigner.secret, 'GET', `/v1/tenants/beta/runs/${found.run}`);
    expect(body).toMatchObject({ kind: 'tracked', name: 'parent', state: 'succeeded', details: { kind: 'tracked', experiment: { name: 'digits' } } });
    expect(body.command).toMatch(/use-client\.py$/);
    // What was put beside it is its output, and its page shows it like any other run's.
    const outputs = await p.must(p.foreigner.secret, 'GET', `/v1/tenants/beta/runs/${found.run}/outputs`);
    expect(outputs.body.items.map(({ name }: { name: string }) => name)).toEqual(['a.txt', 'all of it', 'dict.json', 'texts']);
    await p.must(p.foreigner.secret, 'DELETE', `/v1/tenants/beta/runs/${found.run}`);
  });

  it('logs unchanged to the very run that a job is', { timeout: 150_000 }, async () => {
    const p = opened();
    const script = path.join(import.meta.dirname, 'testing', 'use-client.py');
    const { body: task } = await p.must(p.member.secret, 'POST', '/v1/tenants/alpha/tasks', {
      name: 'a job that knows MLflow',
      command: `mkdir -p "$HOME" && '${python}' '${script}' > "$SAKURA_ARTIFACT_DIR/found.txt" || { cat "$SAKURA_ARTIFACT_DIR/found.txt"; exit 1; }`,
      environment: { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0', MLFLOW_DISABLE_TELEMETRY: 'true' },
      resources: { cpu: 0.5, memory: 500_000_000 },
    });
    await p.untilRun('alpha', task.id, 'succeeded').catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${(await p.ask(p.member.secret, 'GET', `/v1/tenants/alpha/runs/${task.id}/log`)).text}`, { cause: error });
    });
    const { text } = await p.must(p.member.secret, 'GET', `/v1/tenants/alpha/runs/${task.id}/outputs/content?path=found.txt`);
    const found = JSON.parse(text.trim().split('\n').at(-1) ?? '');
    const listed = [...LISTED.slice(0, 3), ['found.txt', false, expect.any(Number)], LISTED[3]];
    const downloaded = [...EVERYWHERE.downloaded.slice(0, 5), 'found.txt', ...EVERYWHERE.downloaded.slice(5)];
    expect(found).toEqual({ ...EVERYWHERE, status: 'RUNNING', ended: false, 'by status': 3, listed, downloaded, run: task.id });
    const { body } = await p.must(p.member.secret, 'GET', `/v1/tenants/alpha/runs/${task.id}`);
    expect(body).toMatchObject({ kind: 'task', name: 'parent', state: 'succeeded' });
  });
});
