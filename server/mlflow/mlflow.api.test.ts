import type { Answer } from '#api-tests/exchange.ts';
import { makeTenantThings } from '#api-tests/tenant-things.ts';
import { useTestPlatform } from '#api-tests/test-platform.ts';
import { ARTIFACT_PERMISSIONS, MLFLOW_ROUTES } from '@sodate/contract/mlflow-routes.ts';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { sql } from 'kysely';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const opened = useTestPlatform();
const held: { member?: string; viewer?: string; foreigner?: string } = {};
const member = (): string => held.member as string;
const viewer = (): string => held.viewer as string;
const foreigner = (): string => held.foreigner as string;

beforeAll(async () => {
  const p = opened();
  held.member = (await p.makeToken(p.member, 'alpha')).secret;
  held.viewer = (await p.makeToken(p.viewer, 'alpha')).secret;
  held.foreigner = (await p.makeToken(p.foreigner, 'beta')).secret;
});

const API = '/api/2.0/mlflow';
const FILES = '/api/2.0/mlflow-artifacts/artifacts';
const post = (secret: string | null, at: string, body: unknown): Promise<Answer> => opened().ask(secret, 'POST', `${API}/${at}`, body);
const get = (secret: string | null, at: string, query: Record<string, string>): Promise<Answer> =>
  opened().ask(secret, 'GET', `${API}/${at}?${new URLSearchParams(query).toString()}`);
/** Status and code of an error, which must have MLflow's whole shape. */
const refusal = ({ status, body }: Answer): string => {
  expect(Object.keys(body ?? {}).toSorted()).toEqual(['error_code', 'message']);
  expect(body.message).not.toBe('');
  return `${status} ${body.error_code}`;
};
const NOT_FOUND = '404 RESOURCE_DOES_NOT_EXIST';
const INVALID = '400 INVALID_PARAMETER_VALUE';

async function ok(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body, text } = await answer;
  expect([status, text.slice(0, 300)]).toEqual([200, expect.anything()]);
  return body;
}
const newRun = async (secret = member(), body: object = {}): Promise<string> =>
  (await ok(post(secret, 'runs/create', { experiment_id: '0', ...body }))).run.info.run_id;
const readRun = async (run: string, secret = member()) => (await ok(get(secret, 'runs/get', { run_id: run }))).run;

describe('who may', () => {
  it.each(MLFLOW_ROUTES.map((route) => ({ name: `${route.method} ${route.path}`, route })))(
    '$name asks for a token of a tenant, and for its right',
    async ({ route }) => {
      const p = opened();
      const ask = (secret: string | null) => p.ask(secret, route.method, route.path, route.method === 'POST' ? {} : undefined);
      expect(refusal(await ask(null))).toBe('401 UNAUTHENTICATED');
      expect(refusal(await ask(`tok_${'x'.repeat(43)}`))).toBe('401 UNAUTHENTICATED');
      // A sign-in belongs to no tenant.
      expect(refusal(await ask(p.member.secret))).toBe(INVALID);
      const answer = await ask(viewer());
      if (route.permission === 'tenant-member') expect(refusal(answer)).toBe('403 PERMISSION_DENIED');
      else expect(answer.status).not.toBe(403);
    },
  );

  it('guards artifacts the same', async () => {
    const run = await newRun();
    const at = `${FILES}/${run}/a.txt`;
    expect((await opened().ask(member(), 'PUT', at, Buffer.from('kept'))).status).toBe(200);
    for (const [method, permission] of Object.entries(ARTIFACT_PERMISSIONS)) {
      expect(refusal(await opened().ask(null, method, at))).toBe('401 UNAUTHENTICATED');
      expect(refusal(await opened().ask(foreigner(), method, at, method === 'PUT' ? Buffer.from('x') : undefined))).toBe(NOT_FOUND);
      if (permission === 'tenant-member') expect(refusal(await opened().ask(viewer(), method, at))).toBe('403 PERMISSION_DENIED');
    }
    expect((await opened().ask(viewer(), 'GET', at)).text).toBe('kept');
  });

  it("finds nothing of another tenant's, by any name", async () => {
    const { experiment_id } = await ok(post(member(), 'experiments/create', { name: 'ours alone' }));
    const run = await newRun(member(), { experiment_id });
    await ok(post(member(), 'runs/set-tag', { run_id: run, key: 'a', value: 'b' }));
    for (const [at, body] of Object.entries({
      'runs/update': { status: 'FINISHED' },
      'runs/delete': {},
      'runs/restore': {},
      'runs/log-metric': { key: 'a', value: 1, timestamp: 1 },
      'runs/log-parameter': { key: 'a', value: '1' },
      'runs/log-batch': { metrics: [{ key: 'a', value: 1, timestamp: 1 }] },
      'runs/log-inputs': { datasets: [{ dataset: { name: 'a', digest: 'b' } }] },
      'runs/log-model': { model_json: '{}' },
      'runs/set-tag': { key: 'a', value: 'c' },
      'runs/delete-tag': { key: 'a' },
    }))
      expect([at, refusal(await post(foreigner(), at, { run_id: run, ...body }))]).toEqual([at, NOT_FOUND]);
    for (const [at, body] of Object.entries({
      'experiments/update': { new_name: 'x' },
      'experiments/delete': {},
      'experiments/restore': {},
      'experiments/set-experiment-tag': { key: 'a', value: 'b' },
      'runs/create': {},
    }))
      expect([at, refusal(await post(foreigner(), at, { experiment_id, ...body }))]).toEqual([at, NOT_FOUND]);
    expect(refusal(await get(foreigner(), 'runs/get', { run_id: run }))).toBe(NOT_FOUND);
    expect(refusal(await get(foreigner(), 'metrics/get-history', { run_id: run, metric_key: 'a' }))).toBe(NOT_FOUND);
    expect(refusal(await get(foreigner(), 'metrics/get-history-bulk', { run_id: run, metric_key: 'a' }))).toBe(NOT_FOUND);
    expect(refusal(await get(foreigner(), 'artifacts/list', { run_id: run }))).toBe(NOT_FOUND);
    expect(refusal(await opened().ask(foreigner(), 'GET', `${FILES}?path=${run}`))).toBe(NOT_FOUND);
    expect(refusal(await get(foreigner(), 'experiments/get', { experiment_id }))).toBe(NOT_FOUND);
    expect(refusal(await get(foreigner(), 'experiments/get-by-name', { experiment_name: 'ours alone' }))).toBe(NOT_FOUND);
    expect((await ok(post(foreigner(), 'runs/search', { experiment_ids: [experiment_id, '0'] }))).runs ?? []).toEqual([]);
    expect(JSON.stringify(await ok(post(foreigner(), 'experiments/search', { view_type: 'ALL' })))).not.toContain('ours alone');
    // And nothing has happened to it.
    expect((await readRun(run)).info).toMatchObject({ status: 'RUNNING', lifecycle_stage: 'active' });
    expect((await readRun(run)).data.tags).toContainEqual({ key: 'a', value: 'b' });
  });

  it('lets a job write to its own run and to those that it began, and to no other', async () => {
    const p = opened();
    const own = await makeTenantThings(p, 'alpha', p.member.secret).liveTask();
    const job = await p.attemptTokenOf(own.id);
    const other = await newRun();
    const write = (run_id: string) =>
      post(job, 'runs/log-batch', { run_id, params: [{ key: 'x', value: '1' }], metrics: [{ key: 'm', value: 2, timestamp: 3, step: 4 }] });
    await ok(write(own.id));
    const begun = await newRun(job);
    await ok(write(begun));
    expect(refusal(await write(other))).toBe('403 PERMISSION_DENIED');
    for (const at of ['runs/delete', 'runs/restore', 'runs/update']) expect(refusal(await post(job, at, { run_id: other }))).toBe('403 PERMISSION_DENIED');
    expect(refusal(await p.ask(job, 'PUT', `${FILES}/${other}/a`, Buffer.from('x')))).toBe('403 PERMISSION_DENIED');
    expect(refusal(await post(job, 'experiments/delete', { experiment_id: '0' }))).toBe('403 PERMISSION_DENIED');
    expect((await readRun(other, job)).data.params).toEqual([]);
    expect((await readRun(own.id)).data).toMatchObject({ metrics: [{ key: 'm', value: 2, timestamp: 3, step: 4 }], params: [{ key: 'x', value: '1' }] });

    // The first experiment that it names is the one its run is in.
    const { experiment_id } = await ok(post(job, 'experiments/create', { name: 'named by a job' }));
    await ok(post(job, 'experiments/create', { name: 'named later' }));
    expect((await readRun(own.id)).info.experiment_id).toBe(experiment_id);
    // An end that its code reports is not the job's end.
    await ok(post(job, 'runs/update', { run_id: own.id, status: 'FINISHED', end_time: 5 }));
    expect((await readRun(own.id)).info.status).toBe('RUNNING');
    await p.must(p.member.secret, 'POST', `/v1/tenants/alpha/runs/${own.id}/stop`, { graceSeconds: 0 });
    await p.untilRun('alpha', own.id, 'cancelled');
    expect(refusal(await write(own.id))).toBe('401 UNAUTHENTICATED');
    // Nobody is left who could end it.
    await p.untilRun('alpha', begun, 'failed');
    // What a job has left is sealed.
    expect(refusal(await p.ask(member(), 'PUT', `${FILES}/${own.id}/late.txt`, Buffer.from('x')))).toBe(INVALID);
  });
});

describe('runs that go on outside', () => {
  it('are runs like others: listed, shown, stopped, deleted', async () => {
    const p = opened();
    const run = await newRun(member(), { run_name: 'from outside', start_time: 1_700_000_000_000, tags: [{ key: 'mlflow.source.name', value: 'train.py' }] });
    const at = `/v1/tenants/alpha/runs/${run}`;
    const shown = (await p.must(p.viewer.secret, 'GET', at)).body;
    expect(shown).toMatchObject({
      kind: 'tracked',
      name: 'from outside',
      state: 'running',
      command: 'train.py',
      startedAt: '2023-11-14T22:13:20.000Z',
      attempt: 0,
    });
    expect(shown.resources).toEqual({ cpu: 0, memory: 0, gpus: 0 });
    const list = await p.must(p.viewer.secret, 'GET', '/v1/tenants/alpha/runs?kind=tracked');
    expect(list.body.items.map(({ id }: { id: string }) => id)).toContain(run);
    for (const what of ['attempts', 'timeline', 'waiting', 'usage', 'log', 'outputs'])
      expect([what, (await p.ask(p.viewer.secret, 'GET', `${at}/${what}`)).status]).toEqual([what, 200]);
    expect((await p.ask(p.member.secret, 'DELETE', at)).body.code).toBe('wrong-state');
    await p.must(p.member.secret, 'POST', `${at}/stop`, {});
    expect((await readRun(run)).info).toMatchObject({ status: 'KILLED', end_time: expect.any(Number) });
    await ok(p.ask(member(), 'PUT', `${FILES}/${run}/kept/a.txt`, Buffer.from('x')));
    await p.must(p.member.secret, 'DELETE', at);
    expect(refusal(await get(member(), 'runs/get', { run_id: run }))).toBe(NOT_FOUND);
    await expect(readFile(path.join(p.home.folder, 'runs', run, 'output/kept/a.txt'))).rejects.toThrow(/ENOENT/);
  });

  it('end as their client says, once, and may be logged to afterwards', async () => {
    const run = await newRun();
    const { run_info } = await ok(post(member(), 'runs/update', { run_id: run, status: 'FAILED', end_time: '1700000000500', run_name: 'renamed' }));
    expect(run_info).toMatchObject({ status: 'FAILED', end_time: 1_700_000_000_500, run_name: 'renamed' });
    await ok(post(member(), 'runs/update', { run_id: run, status: 'RUNNING' }));
    await ok(post(member(), 'runs/update', { run_id: run, status: 'FINISHED' }));
    await ok(post(member(), 'runs/log-metric', { run_id: run, key: 'late', value: 1, timestamp: 1 }));
    expect((await readRun(run)).info.status).toBe('FAILED');
    const { body } = await opened().must(opened().viewer.secret, 'GET', `/v1/tenants/alpha/runs/${run}`);
    expect(body).toMatchObject({ state: 'failed', failure: { class: 'user-error' } });
    const timeline = await opened().must(opened().viewer.secret, 'GET', `/v1/tenants/alpha/runs/${run}/timeline`);
    expect(timeline.body.items.map(({ state }: { state: string }) => state)).toEqual(['running', 'finishing', 'failed']);
  });

  it('begin and end at the same time, each with its own answer, and what is wrong with one hurts no other', async () => {
    const p = opened();
    const { experiment_id } = await ok(post(member(), 'experiments/create', { name: 'many at once' }));
    const begun = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        post(member(), 'runs/create', {
          experiment_id: at === 5 ? '999999' : experiment_id,
          run_name: at === 7 ? 'two\nlines' : `run ${at}`,
          start_time: 1_700_000_000_000 + at,
          tags: [{ key: 'at', value: String(at) }],
        }),
      ),
    );
    expect(begun.flatMap((answer, at) => (answer.status === 200 ? [] : [`${at} ${refusal(answer)}`]))).toEqual([`5 ${NOT_FOUND}`, `7 ${INVALID}`]);
    const runs = begun.flatMap(({ status, body }, at) => (status === 200 ? [{ at, run: body.run }] : []));
    for (const { at, run } of runs) {
      expect(run.info).toMatchObject({ run_name: `run ${at}`, start_time: 1_700_000_000_000 + at, experiment_id, status: 'RUNNING' });
      expect(await readRun(run.info.run_id)).toEqual(run);
    }
    const ended = await Promise.all(
      runs.flatMap(({ at, run }) => {
        const end = (secret: string, status: string) => post(secret, 'runs/update', { run_id: run.info.run_id, status, end_time: 1_700_000_100_000 + at });
        return at === 3 ? [end(foreigner(), 'FAILED'), end(member(), 'FINISHED')] : [end(member(), at % 2 === 0 ? 'FINISHED' : 'FAILED')];
      }),
    );
    expect(ended.flatMap((answer) => (answer.status === 200 ? [] : [refusal(answer)]))).toEqual([NOT_FOUND]);
    for (const { at, run } of runs) {
      const { info } = await readRun(run.info.run_id);
      expect([info.status, info.end_time]).toEqual([at === 3 || at % 2 === 0 ? 'FINISHED' : 'FAILED', 1_700_000_100_000 + at]);
    }
    // Said twice at the same time the run ends once.
    const twice = await newRun();
    await Promise.all(['FINISHED', 'FAILED'].map((status) => ok(post(member(), 'runs/update', { run_id: twice, status }))));
    const { rows } = await sql<{ state: string }>`select state from run_timeline where run_id = ${twice} order by seq`.execute(p.database.db);
    expect(rows.map(({ state }) => state).slice(0, 2)).toEqual(['running', 'finishing']);
    expect(rows).toHaveLength(3);
  });

  it('put their experiment aside, and take it back with its runs', async () => {
    const { experiment_id } = await ok(post(member(), 'experiments/create', { name: 'aside', tags: [{ key: 'k', value: 'v' }] }));
    const run = await newRun(member(), { experiment_id });
    await ok(post(member(), 'experiments/delete', { experiment_id }));
    expect((await readRun(run)).info.lifecycle_stage).toBe('deleted');
    expect(refusal(await post(member(), 'runs/create', { experiment_id }))).toBe(INVALID);
    expect(refusal(await post(member(), 'experiments/create', { name: 'aside' }))).toBe('400 RESOURCE_ALREADY_EXISTS');
    expect((await ok(post(member(), 'experiments/search', { filter: "name = 'aside'", view_type: 'DELETED_ONLY' }))).experiments).toMatchObject([
      { tags: [{ key: 'k', value: 'v' }] },
    ]);
    await ok(post(member(), 'experiments/restore', { experiment_id }));
    await ok(post(member(), 'experiments/update', { experiment_id, new_name: 'no longer aside' }));
    expect((await readRun(run)).info).toMatchObject({ lifecycle_stage: 'active', experiment_id });
    expect(refusal(await post(member(), 'experiments/delete', { experiment_id: '0' }))).toBe(INVALID);
  });
});

describe('the status of a run', () => {
  it.each([
    ["= 'RUNNING'", true],
    ["!= 'RUNNING'", false],
    ["LIKE 'R_NN%'", true],
    ["LIKE 'run%'", false],
    ["ILIKE 'run%'", true],
    ["= 'NEVER'", false],
    // As a pattern of a program that tries all ways it takes longer than anybody lives.
    [`LIKE '${'%'.repeat(200)}x'`, false],
    [`LIKE '${'%_'.repeat(100)}x'`, false],
  ])('%s', async (condition, found) => {
    const run = await newRun();
    const { runs } = await ok(post(member(), 'runs/search', { experiment_ids: ['0'], filter: `attributes.status ${condition}`, max_results: 1000 }));
    expect((runs as { info: { run_id: string } }[]).some(({ info }) => info.run_id === run)).toBe(found);
  });
});

describe('a search', () => {
  it('that takes long is given up, and keeps nobody else waiting', async () => {
    const { db } = opened().database;
    await db.transaction().execute(async (tx) => {
      await sql`lock table run_tracking in access exclusive mode`.execute(tx);
      const slow = Array.from({ length: 20 }, () => post(member(), 'runs/search', { experiment_ids: ['0'] }));
      expect((await opened().ask(opened().viewer.secret, 'GET', '/v1/tenants/alpha/data')).status).toBe(200);
      const answers = await Promise.all(slow);
      expect(new Set(answers.map(refusal))).toEqual(new Set([INVALID, '503 TEMPORARILY_UNAVAILABLE']));
      for (const { status, text } of answers) expect(text).toContain(status === 503 ? 'database' : 'took longer than 5 seconds');
    });
  });
});

describe('what is out of form', () => {
  it('is not even read for those who may not send it', async () => {
    const body = Buffer.from('{ this is no JSON');
    expect(refusal(await opened().ask(null, 'POST', `${API}/runs/log-batch`, body))).toBe('401 UNAUTHENTICATED');
    expect(refusal(await opened().ask(null, 'POST', `${API}/no-such-thing`, body))).toBe('401 UNAUTHENTICATED');
    expect(refusal(await opened().ask(member(), 'POST', `${API}/runs/log-batch`, body))).toBe(INVALID);
  });

  it('is refused in MLflow’s words, and nothing of it is kept', async () => {
    const run = await newRun();
    const many = (count: number, one: (at: number) => object) => Array.from({ length: count }, (_, at) => one(at));
    const point = { key: 'a', value: 1, timestamp: 1 };
    const bad: Record<string, object> = {
      'more metrics than a batch has': { metrics: many(1001, () => point) },
      'more params': { params: many(101, (at) => ({ key: `p${at}`, value: '1' })) },
      'more tags': { tags: many(101, (at) => ({ key: `t${at}`, value: '1' })) },
      'more in all': { metrics: many(990, () => point), tags: many(20, (at) => ({ key: `t${at}`, value: '1' })) },
      'a param twice': {
        params: [
          { key: 'p', value: '1' },
          { key: 'p', value: '2' },
        ],
      },
      'a key that is too long': { metrics: [{ ...point, key: 'k'.repeat(251) }] },
      'no key': { metrics: [{ ...point, key: '' }] },
      'a key with characters that none has': { params: [{ key: 'a;b', value: '1' }] },
      'a key that leads away': { metrics: [{ ...point, key: '../a' }] },
      'a value that is no number': { metrics: [point, { ...point, value: 'one' }] },
      'a step that is no whole number': { metrics: [point, { ...point, step: 1.5 }] },
      'a step beyond 2^53': { metrics: [point, { ...point, step: '9223372036854775807' }] },
      'a time that never was': { metrics: [point, { ...point, timestamp: 9e15 }] },
      'a param of 6,001 characters': { params: [{ key: 'p', value: 'x'.repeat(6001) }] },
      'a tag with NUL': { tags: [{ key: 't', value: '\0' }] },
      'a name of a run with a line break': { tags: [{ key: 'mlflow.runName', value: 'a\nb' }] },
      'a list that is none': { metrics: { key: 'a' } },
    };
    for (const [what, body] of Object.entries(bad))
      expect([what, refusal(await post(member(), 'runs/log-batch', { run_id: run, ...body }))]).toEqual([what, INVALID]);
    // A batch is stored as a whole or not at all.
    await ok(post(member(), 'runs/log-parameter', { run_id: run, key: 'set', value: '1' }));
    expect(
      refusal(
        await post(member(), 'runs/log-batch', {
          run_id: run,
          metrics: [point],
          params: [
            { key: 'new', value: '1' },
            { key: 'set', value: '2' },
          ],
          tags: [{ key: 't', value: '1' }],
        }),
      ),
    ).toBe(INVALID);
    expect((await readRun(run)).data).toEqual({
      metrics: [],
      params: [{ key: 'set', value: '1' }],
      tags: [{ key: 'mlflow.runName', value: expect.any(String) }],
    });
  });

  it('has numbers as clients send them, and ignores fields it does not know', async () => {
    const run = await newRun();
    await ok(post(member(), 'runs/log-metric', { run_uuid: run, key: 'text', value: '1.5', timestamp: '12', step: '-3', model_id: 'm', nonsense: {} }));
    await ok(post(member(), 'runs/log-batch', { run_id: run, metrics: [{ key: 'inf', value: '-Infinity', timestamp: 1 }], params: null }));
    const bare = `{"run_id": "${run}", "key": "nan", "value": NaN, "timestamp": 1, "step": 0}`;
    const sent = await fetch(`${opened().url}${API}/runs/log-metric`, { method: 'POST', headers: { authorization: `Bearer ${member()}` }, body: bare });
    expect(sent.status).toBe(200);
    expect((await readRun(run)).data.metrics).toEqual([
      { key: 'inf', value: '-Infinity', timestamp: 1, step: 0 },
      { key: 'nan', value: 'NaN', timestamp: 1, step: 0 },
      { key: 'text', value: 1.5, timestamp: 12, step: -3 },
    ]);
    const { metrics } = await ok(get(member(), 'metrics/get-history-bulk', { run_id: run, metric_key: 'text', max_results: '5' }));
    expect(metrics).toEqual([{ key: 'text', value: 1.5, timestamp: 12, step: -3, run_id: run }]);
  });

  it('is refused where it is an id, a token, a body or a place that there is not', async () => {
    for (const id of ['', '1', '../0', "' or 1=1", '\0', 'x'.repeat(300), '00000000000000000000000000000000', crypto.randomUUID()]) {
      expect([id, refusal(await post(member(), 'runs/log-metric', { run_id: id, key: 'a', value: 1, timestamp: 1 }))]).toEqual([
        id,
        id.includes('\0') ? INVALID : NOT_FOUND,
      ]);
      expect([id, refusal(await post(member(), 'experiments/update', { experiment_id: `${id}x`, new_name: 'x' }))]).toEqual([
        id,
        id.includes('\0') ? INVALID : NOT_FOUND,
      ]);
    }
    for (const experiment_id of ['-1', '1e3', '00', '99999999999999999999', '0x0'])
      expect(refusal(await get(member(), 'experiments/get', { experiment_id }))).toBe(NOT_FOUND);
    expect(refusal(await post(member(), 'runs/search', { experiment_ids: ['0'], page_token: 'nonsense' }))).toBe(INVALID);
    expect(refusal(await post(member(), 'runs/search', { experiment_ids: ['0'], max_results: 50_001 }))).toBe(INVALID);
    expect(refusal(await post(member(), 'runs/search', { experiment_ids: ['0'], order_by: ["name'; drop table runs"] }))).toBe(INVALID);
    const many = Array.from({ length: 21 }, (_, at) => `metrics.m${at}`);
    expect(refusal(await post(member(), 'runs/search', { experiment_ids: ['0'], order_by: many }))).toBe(INVALID);
    await ok(post(member(), 'runs/search', { experiment_ids: ['0'], order_by: many.slice(1) }));
    const broken = await fetch(`${opened().url}${API}/runs/create`, { method: 'POST', headers: { authorization: `Bearer ${member()}` }, body: '{"a":' });
    expect([broken.status, ((await broken.json()) as { error_code: string }).error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(refusal(await get(member(), 'traces', {}))).toBe('404 ENDPOINT_NOT_FOUND');
    expect(refusal(await opened().ask(member(), 'POST', '/api/3.0/mlflow/server-info', {}))).toBe('404 ENDPOINT_NOT_FOUND');
    for (const at of ['registered-models/create', 'model-versions/search', 'logged-models'])
      expect(refusal(await post(member(), at, { name: 'm' }))).toBe('400 FEATURE_DISABLED');
    expect(refusal(await opened().ask(null, 'GET', '/api/2.0/mlflow/nothing'))).toBe('401 UNAUTHENTICATED');
  });
});

describe('artifacts', () => {
  const folderOf = (run: string): string => path.join(opened().home.folder, 'runs', run, 'output');
  const put = (run: string, name: string, text = 'bytes') => opened().ask(member(), 'PUT', `${FILES}/${run}/${name}`, Buffer.from(text));

  it('are the files of the output folder, of every type and size', async () => {
    const run = await newRun();
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'image/png', 'multipart/form-data; boundary=x'])
      expect(
        (
          await opened().ask(member(), 'PUT', `${FILES}/${run}/types/${encodeURIComponent(type)}`.replaceAll('%2F', '-'), Buffer.from('{ not json'), {
            headers: { 'content-type': type },
          })
        ).status,
      ).toBe(200);
    await ok(put(run, 'a/b/c.txt', 'first'));
    await ok(put(run, 'a/b/c.txt', 'second'));
    expect(await readFile(path.join(folderOf(run), 'a/b/c.txt'), 'utf8')).toBe('second');
    const big = Buffer.alloc(12 * 1024 * 1024, 7);
    expect((await opened().ask(member(), 'PUT', `${FILES}/${run}/big.bin`, big)).status).toBe(200);
    expect((await opened().ask(viewer(), 'GET', `${FILES}/${run}/big.bin`)).bytes.equals(big)).toBe(true);
    expect(await ok(get(viewer(), 'artifacts/list', { run_id: run, path: 'a/b' }))).toEqual({
      root_uri: `mlflow-artifacts:/${run}`,
      files: [{ path: 'a/b/c.txt', is_dir: false, file_size: 6 }],
    });
    expect(await ok(opened().ask(viewer(), 'GET', `${FILES}?path=${run}/a`))).toEqual({ files: [{ path: 'b', is_dir: true }] });
    expect(refusal(await put(run, 'a/b'))).toBe(INVALID);
    expect(refusal(await put(run, 'a/b/c.txt/d'))).toBe(INVALID);
    expect((await opened().ask(member(), 'DELETE', `${FILES}/${run}/a`)).status).toBe(200);
    expect((await opened().ask(member(), 'DELETE', `${FILES}/${run}/a`)).status).toBe(200);
    expect(refusal(await opened().ask(viewer(), 'GET', `${FILES}/${run}/a/b/c.txt`))).toBe(NOT_FOUND);
    expect((await opened().ask(member(), 'DELETE', `${FILES}/${run}/`)).status).toBe(200);
    expect(await ok(get(viewer(), 'artifacts/list', { run_id: run }))).toEqual({ root_uri: `mlflow-artifacts:/${run}`, files: [] });
  });

  it('never lead out of the folder, by name or by link', async () => {
    const p = opened();
    const run = await newRun();
    await ok(put(run, 'inside.txt'));
    const outside = path.join(p.home.folder, 'outside');
    await mkdir(outside, { recursive: true });
    await writeFile(path.join(outside, 'secret.txt'), 'secret');
    await symlink(outside, path.join(folderOf(run), 'link'));
    await symlink(path.join(outside, 'secret.txt'), path.join(folderOf(run), 'file-link'));
    for (const name of [
      '..%2f..%2foutside/secret.txt',
      '%2e%2e/%2e%2e/outside/secret.txt',
      'link/secret.txt',
      'file-link',
      'a/..%2f..%2fx',
      'a%00b',
      'a//b',
      'a%5c..%5cb',
      './a',
    ])
      for (const method of ['GET', 'PUT'] as const) {
        if (method === 'PUT' && name === 'file-link') continue;
        const answer = await p.ask(member(), method, `${FILES}/${run}/${name}`, method === 'PUT' ? Buffer.from('overwritten') : undefined);
        expect([method, name, answer.status >= 400 && answer.status < 500, answer.text.includes('secret"')]).toEqual([method, name, true, false]);
      }
    // A link itself is replaced or removed, and what it points at stays.
    await ok(put(run, 'file-link', 'a file now'));
    expect((await p.ask(member(), 'DELETE', `${FILES}/${run}/link`)).status).toBe(200);
    expect(await readFile(path.join(outside, 'secret.txt'), 'utf8')).toBe('secret');
    expect(await ok(get(viewer(), 'artifacts/list', { run_id: run, path: '' }))).toMatchObject({ files: [{ path: 'file-link' }, { path: 'inside.txt' }] });
  });

  it('that a sender breaks off leave nothing', async () => {
    const run = await newRun();
    const abort = new AbortController();
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536));
        if (abort.signal.aborted) controller.close();
      },
    });
    const sent = fetch(`${opened().url}${FILES}/${run}/half.bin`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${member()}` },
      body,
      duplex: 'half',
      signal: abort.signal,
    } as RequestInit);
    const arriving = path.join(opened().home.folder, 'runs', run, 'arriving');
    await expect.poll(async () => (await readdir(arriving).catch(() => [])).length, { timeout: 20_000 }).toBe(1);
    abort.abort();
    await expect(sent).rejects.toThrow();
    await expect.poll(async () => (await readdir(arriving)).length, { timeout: 20_000 }).toBe(0);
    expect(await ok(get(viewer(), 'artifacts/list', { run_id: run }))).toMatchObject({ files: [] });
  });
});
