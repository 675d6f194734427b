import { snapshotDatabase } from '#api-tests/database-snapshot.ts';
import { type Answer, exchange } from '#api-tests/exchange.ts';
import { makeTenantThings, type TenantThings } from '#api-tests/tenant-things.ts';
import { untilQuiet, useTestPlatform } from '#api-tests/test-platform.ts';
import { enforcedHere } from '#executors/local-process/local-process-harness.ts';
import { processesWithEnvironment } from '#executors/local-process/process-table.ts';
import { MARKER_NAME } from '#executors/local-process/job-environment.ts';
import { UPLOAD_PART_BYTES } from '@sodate/contract/data.ts';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

/** Bad input gets a clear error that says what to do, and leaves nothing half-made. Jobs are real processes here. */
const opened = useTestPlatform({ executor: 'local' });
const held: { things?: TenantThings } = {};
const things = (): TenantThings => held.things as TenantThings;
const as = () => opened().member.secret;
const BASE = '/v1/tenants/alpha';
const SMALL = { cpu: 0.1, memory: 50_000_000 };
const enforced = await enforcedHere({});

beforeAll(() => {
  held.things = makeTenantThings(opened(), 'alpha', opened().member.secret);
});

/**
 * Every file of the home that is not the platform's own machinery, with sizes. Not `staged`: a data set's folder goes on
 * being made after the run that asked for it was stopped, because the next one comes soon.
 */
async function snapshotDisk(): Promise<readonly string[]> {
  const { folder } = opened().home;
  const found: string[] = [];
  for (const place of ['objects', 'uploads', 'runs', 'attempts', 'trash', 'git/tmp', 'executors']) {
    for (const name of await readdir(path.join(folder, place), { recursive: true }).catch(() => [])) {
      const entry = await stat(path.join(folder, place, name)).catch(() => null);
      if (entry?.isFile()) found.push(`${place}/${name} ${entry.size}`);
    }
  }
  return found.toSorted();
}

async function nothingHappens(work: () => Promise<void>): Promise<void> {
  await untilQuiet(opened());
  const before = [await snapshotDatabase(opened().database.db), await snapshotDisk()];
  await work();
  expect([await snapshotDatabase(opened().database.db), await snapshotDisk()]).toEqual(before);
}

/** Refused with this code, in whole sentences that name each of the words. */
async function expectRefused(asked: Promise<Answer>, status: number, code: string, ...words: readonly string[]): Promise<void> {
  const { status: answered, body, text } = await asked;
  expect([answered, body?.code, text]).toEqual([status, code, expect.anything()]);
  expect(body.message).not.toMatch(/\{\w+\}|undefined|null|\[object/);
  for (const word of words) expect(body.message).toContain(word);
}

const post = (at: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  opened().ask(as(), 'POST', `${BASE}/${at}`, body, { headers });
const startTask = async (more: object): Promise<{ id: string; number: number }> =>
  (await opened().must(as(), 'POST', `${BASE}/tasks`, { name: 'a task', resources: SMALL, ...more })).body;
const logOf = async (run: string): Promise<string> => (await opened().must(as(), 'GET', `${BASE}/runs/${run}/log`)).text;
const attemptsOf = async (run: string): Promise<Answer['body']> => (await opened().must(as(), 'GET', `${BASE}/runs/${run}/attempts`)).body.items;
const runToEnd = async (more: object): Promise<Answer['body']> => opened().untilRun('alpha', (await startTask(more)).id, 'succeeded', 'failed', 'cancelled');

describe('what a submission names and is not there', () => {
  const training = async (more: object): Promise<object> => ({
    name: 'a training',
    command: 'true',
    dataset: (await things().dataset()).id,
    git: { repository: 'team/model' },
    resources: SMALL,
    ...more,
  });
  const UNKNOWN = '0198c3f0-0000-7000-8000-000000000000';

  it.each([
    ['a data set', { dataset: UNKNOWN }, 404, 'not-found', [UNKNOWN]],
    ['a data set by number', { dataset: '999999' }, 404, 'not-found', ['999999']],
    ['a parent', { parents: [UNKNOWN] }, 404, 'not-found', [UNKNOWN]],
    ['a parent by number', { parents: ['training-999999'] }, 404, 'not-found', ['training-999999']],
    ['a git endpoint', { git: { endpoint: 'nowhere', repository: 'team/model' } }, 404, 'not-found', ['nowhere']],
    ['a repository', { git: { repository: 'team/other' } }, 404, 'git-repository-not-found', ['team/other', 'team/model']],
    ['a branch', { git: { repository: 'team/model', revision: 'no-such-branch' } }, 404, 'git-revision-not-found', ['no-such-branch', 'team/model']],
    ['a commit', { git: { repository: 'team/model', revision: '0123456789012345678901234567890123456789' } }, 404, 'git-revision-not-found', ['0123456789']],
    ['a commit in short', { git: { repository: 'team/model', revision: '0123abc' } }, 404, 'git-revision-not-found', ['0123abc']],
    ['an image', { image: 'python:3.12' }, 400, 'image-not-supported', ['python:3.12', 'host']],
    ['a partition', { partition: 'nowhere' }, 404, 'partition-unknown', ['nowhere']],
  ] as const)('is refused: %s', async (_what, more, status, code, words) => {
    const body = await training(more);
    // The commit that is asked for is looked for, and kept if it is found: that is no part of this.
    await nothingHappens(() => expectRefused(post('trainings', body), status, code, ...words));
    await nothingHappens(() => expectRefused(post('inferences', body), status, code, ...words));
  });

  it('is refused: a parent that has not ended, and one of another kind', async () => {
    const task = await startTask({ command: 'sleep 1000' });
    const body = await training({ parents: [`task-${task.number}`] });
    await expectRefused(post('trainings', body), 404, 'not-found', `task-${task.number}`);
    const waiting = (await opened().must(as(), 'POST', `${BASE}/trainings`, await training({ command: 'sleep 1000' }))).body;
    await expectRefused(post('inferences', await training({ parents: [waiting.id] })), 409, 'parent-not-usable', `training-${waiting.number}`);
    for (const { id } of [task, waiting]) await opened().must(as(), 'POST', `${BASE}/runs/${id}/stop`, { graceSeconds: 0 });
    for (const { id } of [task, waiting]) await opened().untilRun('alpha', id, 'cancelled');
  });
});

describe('names out of form', () => {
  const title = ['', '   ', 'a\nb', 'a\u0007b', 'a\u0000b', 'x'.repeat(256), 1, null];
  const cases: readonly (readonly [string, (value: unknown) => Promise<Answer>, readonly unknown[]])[] = [
    ['of a task', (name) => post('tasks', { name, command: 'true' }), title],
    ['of a data', (name) => post('data', { name }), title],
    ['of a data set', (name) => post('datasets', { name }), title],
    ['of a token', (name) => post('tokens', { name }), title],
    [
      'of a tenant',
      (name) => opened().ask(opened().systemAdmin.secret, 'POST', '/v1/tenants', { name }),
      ['', 'A', 'a b', '-a', 'a-', '1a', 'a_b', 'a.b', '日本', 'x'.repeat(64), '../x', 'a\n'],
    ],
    [
      'of a user',
      (name) => opened().ask(opened().systemAdmin.secret, 'POST', '/v1/users', { name }),
      ['', '-a', 'a b', 'a/b', '日本', 'a\u0000', 'x'.repeat(129), '.', 'a.'],
    ],
    ['of a tag', (tag) => post('data', { name: 'x', tags: [tag] }), ['a,b', '!a', '=a', '<a', '>a', 'x'.repeat(129), 'a\u0000']],
    ['of a partition', (partition) => post('tasks', { name: 'x', command: 'true', partition }), ['', ' ', 'a b', '-a', 'a/b', 'x'.repeat(64)]],
    [
      'of a variable',
      (name) => post('tasks', { name: 'x', command: 'true', environment: { [String(name)]: '1' } }),
      ['', '1a', 'a b', 'a=b', 'a\nb', 'a\u0000b', 'x'.repeat(257), '日本'],
    ],
    ['of a variable in value', (value) => post('tasks', { name: 'x', command: 'true', environment: { A: value } }), ['a\u0000b', 'x'.repeat(32_769), 1, null]],
    [
      'of a command',
      (command) => post('tasks', { name: 'x', command }),
      ['', [], 'a\u0000b', ['a\u0000b'], 'x'.repeat(100_001), Array.from({ length: 1_001 }, () => 'a'), null, { a: 1 }],
    ],
    [
      'of resources',
      (resources) => post('tasks', { name: 'x', command: 'true', resources }),
      [
        { cpu: 0, memory: 1e9 },
        { cpu: -1, memory: 1e9 },
        { cpu: 1, memory: 1 },
        { cpu: 1, memory: 1e9, gpus: 0.5 },
        { cpu: 'one', memory: 1e9 },
        { cpu: 1, memory: 1e300 },
        { cpu: 1 },
      ],
    ],
    ['of a time limit', (timeLimitSeconds) => post('tasks', { name: 'x', command: 'true', timeLimitSeconds }), [0, -1, 0.5, 1e9, '1']],
    [
      'of a reference',
      (dataset) => post('trainings', { name: 'x', command: 'true', dataset, git: { repository: 'team/model' } }),
      ['', '0', '-1', '1.5', 'abc', '../1', "1' or '1'='1", '1e5', '9'.repeat(16)],
    ],
    [
      'of a repository',
      (repository) => post('trainings', { name: 'x', command: 'true', dataset: '1', git: { repository } }),
      ['', '../x', 'a/../b', '/etc', '-x', 'a//b', 'a/', '.git', 'x'.repeat(501)],
    ],
    [
      'of a revision',
      (revision) => post('trainings', { name: 'x', command: 'true', dataset: '1', git: { repository: 'team/model', revision } }),
      ['', '-x', '--upload-pack=x', 'a..b', 'a@{1}', 'a b', 'a:b', 'a^', 'a~1', 'x'.repeat(251)],
    ],
  ];
  it.each(cases)('are refused: %s', (_what, ask, values) =>
    nothingHappens(async () => {
      for (const value of values) {
        const { status, body, text } = await ask(value);
        expect([value, status, body?.code, text]).toEqual([value, 400, 'invalid-request', expect.anything()]);
      }
    }),
  );

  it('are told what they should be, where they may be one thing or another', async () => {
    const get = (at: string): Promise<Answer> => opened().ask(as(), 'GET', `${BASE}/${at}`);
    await expectRefused(get('runs/new'), 400, 'invalid-request', 'address.run: must be an id (UUID), or kind and number such as training-12');
    await expectRefused(get('data/new'), 400, 'invalid-request', 'address.data: must be an id (UUID) or a number');
    await expectRefused(post('tasks', { name: 'x', command: 5 }), 400, 'invalid-request', 'body.command: must be a script as a text, or a program');
    await expectRefused(post('tasks', { name: 'x', command: 'a\u0000b' }), 400, 'invalid-request', 'body.command: must not contain NUL');
  });

  it('are refused when there are too many of them', () =>
    nothingHappens(async () => {
      const many = (count: number): string[] => Array.from({ length: count }, (_nothing, at) => `a${at}`);
      await expectRefused(
        post('tasks', { name: 'x', command: 'true', environment: Object.fromEntries(many(257).map((name) => [name, ''])) }),
        400,
        'invalid-request',
        '256',
      );
      await expectRefused(post('data', { name: 'x', tags: many(101) }), 400, 'invalid-request', 'tags');
      const data = { id: '1' };
      await expectRefused(post(`data/${data.id}/uploads`, { files: many(1_001).map((name) => ({ name, size: 0 })) }), 400, 'invalid-request', 'files');
    }));
});

describe('asking for too much', () => {
  it('is refused beyond the quota, and waits with a warning beyond every node', async () => {
    const { systemAdmin, must } = opened();
    await must(systemAdmin.secret, 'PATCH', '/v1/tenants/alpha', { quota: { cpu: 2, memory: null, gpus: 0 } });
    await nothingHappens(async () => {
      await expectRefused(post('tasks', { name: 'x', command: 'true', resources: { ...SMALL, cpu: 3 } }), 400, 'over-quota', '3 CPU', '2 CPU', 'alpha');
      await expectRefused(post('tasks', { name: 'x', command: 'true', resources: { ...SMALL, gpus: 1 } }), 400, 'over-quota', '1 GPU');
    });
    await must(systemAdmin.secret, 'PATCH', '/v1/tenants/alpha', { quota: {} });
    const { id } = await startTask({ command: 'true', resources: { cpu: 4_000, memory: 50_000_000 } });
    const run = (await must(as(), 'GET', `${BASE}/runs/${id}`)).body;
    expect([run.state, run.warnings]).toEqual(['queued', [expect.stringContaining('large enough')]]);
    // Known once a scheduling pass has looked at it.
    const waiting = async (): Promise<Answer['body']> => (await must(as(), 'GET', `${BASE}/runs/${id}/waiting`)).body.waiting;
    await expect.poll(waiting, { timeout: 30_000 }).toMatchObject({ reason: 'never-fits', asked: { cpu: 4_000 } });
    await expectRefused(opened().ask(as(), 'DELETE', `${BASE}/runs/${id}`), 409, 'wrong-state', 'queued', 'stop');
    expect((await must(as(), 'POST', `${BASE}/runs/${id}/stop`, {})).body.state).toBe('cancelled');
    expect((await must(as(), 'POST', `${BASE}/runs/${id}/stop`, {})).body.state).toBe('cancelled');
  });
});

describe('how a job ends', () => {
  const codes = [0, 1, 2, 77, 125, 126, 127, 128, 130, 137, 143, 255];
  // Not INT and PIPE: the shell that starts jobs says nothing about them, so they look like the exit codes 130 and 141.
  const signals = ['TERM', 'KILL', 'SEGV', 'ABRT', 'HUP', 'USR1'];

  it('is told by its exit code', async () => {
    const ended = await Promise.all(codes.map((code) => runToEnd({ command: `exit ${code}` })));
    expect(ended.map(({ exitCode, state, failure }) => [exitCode, state, failure?.class ?? null])).toEqual(
      codes.map((code) => [code, code === 0 ? 'succeeded' : 'failed', code === 0 ? null : 'user-error']),
    );
    for (const [at, { failure }] of ended.entries())
      if (codes[at] !== 0)
        expect(failure).toMatchObject({ fault: 'user', message: expect.stringContaining(`exit code ${codes[at]}`), advice: expect.stringContaining('log') });
  });

  it('is told by the signal, which is no exit code', async () => {
    const ended = await Promise.all(signals.map((signal) => runToEnd({ command: ['sh', '-c', `kill -${signal} $$; sleep 5`] })));
    for (const [at, run] of ended.entries()) {
      expect([signals[at], run.state, run.failure?.class]).toEqual([signals[at], 'failed', 'user-error']);
      expect((await attemptsOf(run.id))[0]).toMatchObject({ exitCode: null, signal: `SIG${signals[at]}` });
      expect(run.failure.message).toContain(`SIG${signals[at]}`);
    }
  });

  it.each([
    ['a script', 'no-such-command --now', 127, 'not found'],
    ['a list', ['no-such-command', '--now'], 127, 'not found'],
    ['an absolute path', ['/no/such/command'], 127, 'not found'],
    ['a file that is no program', ['/etc/passwd'], 126, 'could not be executed'],
  ] as const)('is clear when the command is not there: %s', async (_what, command, code, words) => {
    const run = await runToEnd({ command });
    expect([run.state, run.exitCode, run.failure.class]).toEqual(['failed', code, 'user-error']);
    expect(run.failure.message).toContain(words);
    expect(await logOf(run.id)).toMatch(/no-such-command|no\/such\/command|passwd/);
  });

  it('is clear for variables and commands that no program can be given', async () => {
    const [named, long] = await Promise.all([
      runToEnd({ command: 'true', environment: { 'not.for-shells': '1' } }),
      runToEnd({ command: ['echo', '日'.repeat(90_000)] }),
    ]);
    expect([named.state, named.failure]).toEqual([
      'failed',
      expect.objectContaining({ class: 'user-error', message: expect.stringContaining('not.for-shells') }),
    ]);
    expect([long.state, long.failure]).toEqual(['failed', expect.objectContaining({ class: 'user-error' })]);
  });

  it('passes on exactly what was given', async () => {
    const words = ['', 'a b', "it's", '"', '$HOME', '`id`', '\\', '\n', '日本語', '*', '-n', ';', '\u001b[31m'];
    const run = await runToEnd({
      command: ['node', '-e', 'process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.VALUE]))', '--', ...words],
      environment: { VALUE: words.join('|') },
    });
    expect(JSON.parse(await logOf(run.id))).toEqual([words, words.join('|')]);
    const script = await runToEnd({ command: `${'# filler\n'.repeat(11_000)}printf '%s' "$0 日本"` });
    expect([script.state, (await logOf(script.id)).endsWith(' 日本')]).toEqual(['succeeded', true]);
  });

  it('is told when its time is over', async () => {
    const run = await runToEnd({ command: 'echo begun; sleep 1000', timeLimitSeconds: 1 });
    expect([run.state, run.failure]).toEqual(['failed', expect.objectContaining({ class: 'time-limit', fault: 'user' })]);
    expect((await attemptsOf(run.id))[0]).toMatchObject({ failure: { class: 'time-limit' } });
    expect(await logOf(run.id)).toBe('begun\n');
    expect(new Date(run.endedAt).getTime() - new Date(run.startedAt).getTime()).toBeGreaterThanOrEqual(1_000);
  });

  it.skipIf(!enforced.memory)(
    `is told when it takes more memory than it asked for${enforced.memory ? '' : ' (no memory control group can be used here)'}`,
    async () => {
      const run = await runToEnd({
        command: ['node', '-e', 'const kept = []; for (;;) kept.push(Buffer.alloc(10_000_000, 1));'],
        resources: { cpu: 1, memory: 120_000_000 },
      });
      expect([run.state, run.failure]).toEqual([
        'failed',
        expect.objectContaining({ class: 'out-of-memory', fault: 'user', advice: expect.stringContaining('memory') }),
      ]);
    },
  );

  const aliveOf = async (attempt: string): Promise<readonly number[]> => processesWithEnvironment(`${MARKER_NAME}=${attempt}`);
  const commandLines = async (): Promise<readonly string[]> => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  };
  const attemptIdOf = async (run: string): Promise<string> =>
    (await opened().database.db.selectFrom('attempts').select('id').where('run_id', '=', run).executeTakeFirstOrThrow()).id;
  const untilLogHas = async (run: string, text: string): Promise<void> => {
    await expect.poll(() => logOf(run), { timeout: 30_000, interval: 20 }).toContain(text);
  };

  it('is a stop with time to finish for whoever listens', async () => {
    const { id } = await startTask({ command: `trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.05; done` });
    await untilLogHas(id, 'ready');
    expect((await opened().must(as(), 'POST', `${BASE}/runs/${id}/stop`, { graceSeconds: 60 })).body.state).toBe('stopping');
    const run = await opened().untilRun('alpha', id, 'cancelled');
    expect([run.failure, (await logOf(id)).split('\n').at(-2)]).toEqual([null, 'saved']);
  });

  it('is death after the time of grace for whoever does not, with everything it started', async () => {
    const mark = `98765.${Date.now() % 100_000}`;
    const { id } = await startTask({
      command: `trap '' TERM; env -i setsid sh -c "trap '' TERM; exec sleep ${mark}" & setsid nohup sleep ${mark} & echo ready; while :; do sleep 0.05; done`,
    });
    await untilLogHas(id, 'ready');
    expect((await commandLines()).some((line) => line.includes(mark))).toBe(true);
    await opened().must(as(), 'POST', `${BASE}/runs/${id}/stop`, { graceSeconds: 1 });
    await opened().must(as(), 'POST', `${BASE}/runs/${id}/stop`, { graceSeconds: 3_000 });
    await opened().untilRun('alpha', id, 'cancelled');
    expect(await aliveOf(await attemptIdOf(id))).toEqual([]);
    expect((await commandLines()).filter((line) => line.includes(mark))).toEqual([]);
    expect((await attemptsOf(id))[0]).toMatchObject({ signal: 'SIGKILL', failure: null });
  });

  it('is the end of what it left in the background', async () => {
    const mark = `87654.${Date.now() % 100_000}`;
    const run = await runToEnd({ command: `env -i setsid sleep ${mark} > /dev/null 2>&1 < /dev/null & echo done` });
    expect([run.state, await logOf(run.id)]).toEqual(['succeeded', 'done\n']);
    expect((await commandLines()).filter((line) => line.includes(mark))).toEqual([]);
  });
});

describe('what a job writes', () => {
  const outputOf = (run: string): string => path.join(opened().home.folder, 'runs', run, 'output');
  const inference = async (command: string): Promise<Answer['body']> => {
    const { body } = await opened().must(as(), 'POST', `${BASE}/inferences`, {
      name: 'x',
      command,
      dataset: (await things().dataset()).id,
      git: { repository: 'team/model' },
      resources: SMALL,
    });
    return opened().untilRun('alpha', body.id, 'succeeded', 'failed');
  };
  const O = '"${SODATE_ROOT:-}/kqi/output"';

  it.each([
    ['a link out of its folder', `ln -s /etc/passwd ${O}/value.txt`, null],
    ['a link to the platform’s key', `ln -s ../../../key ${O}/value.txt`, null],
    ['a pipe', `mkfifo ${O}/value.txt`, null],
    ['a folder', `mkdir ${O}/value.txt`, null],
    ['nothing', 'true', null],
    ['an empty file', `: > ${O}/value.txt`, ''],
    ['bytes that are no text', `printf 'a\\000b\\377c' > ${O}/value.txt`, 'a\ufffdb\ufffdc'],
    ['too much', `yes 0123456789 | tr -d '\\n' | head -c 5000000 > ${O}/value.txt`, '0123456789'.repeat(1_000)],
  ] as const)('is taken as a value only when it is text in a file: %s', async (_what, command, value) => {
    const run = await inference(command);
    expect([run.state, run.outputValue]).toEqual(['succeeded', value]);
  });

  it('may have any name, is listed, and goes away with the run', async () => {
    const odd = ["$(printf 'a\\nb')", '日本語', 'x'.repeat(255), "$(printf 'not\\377utf8')", '.hidden', '-rf', 'a b', '%2e%2e'];
    const run = await runToEnd({
      command: `cd "$SAKURA_ARTIFACT_DIR"; ${odd.map((name) => `: > "./${name}"`).join('; ')}; chmod 000 ./-rf; mkdir -m 000 shut`,
    });
    expect(run.state).toBe('succeeded');
    const { items } = (await opened().must(as(), 'GET', `${BASE}/runs/${run.id}/outputs`)).body;
    expect(items.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['a\nb', '日本語', 'x'.repeat(255), '.hidden', '-rf', 'a b', '%2e%2e', 'shut']),
    );
    expect(items).toHaveLength(odd.length + 1);
    await opened().must(as(), 'DELETE', `${BASE}/runs/${run.id}`);
    await expect.poll(() => readdir(path.dirname(outputOf(run.id))).catch(() => 'gone'), { timeout: 20_000 }).toBe('gone');
  });

  it('may be deeper than any path is long, and still hinders nobody', async () => {
    const deep = (levels: number): string =>
      `cd "$SAKURA_ARTIFACT_DIR"; i=0; while [ $i -lt ${levels} ]; do d=$(head -c 100 /dev/urandom | od -An -tx1 | tr -d ' \\n'); mkdir "$d" && cd "$d"; i=$((i + 1)); done; echo x > end.txt; echo $?`;
    const long = await runToEnd({ command: deep(18) });
    const longer = await runToEnd({ command: deep(40) });
    const after = await runToEnd({ command: 'echo x > "$SAKURA_ARTIFACT_DIR/plain.txt"' });
    expect([long.state, longer.state, after.state]).toEqual(['succeeded', 'succeeded', 'succeeded']);
    const listed = async (run: string): Promise<boolean> =>
      (await opened().database.db.selectFrom('runs').select('manifest_at').where('id', '=', run).executeTakeFirstOrThrow()).manifest_at !== null;
    for (const { id } of [long, longer, after]) await expect.poll(() => listed(id), { timeout: 30_000 }).toBe(true);
    for (const { id } of [long, longer]) {
      await opened().must(as(), 'DELETE', `${BASE}/runs/${id}`);
      await expect.poll(() => readdir(path.dirname(outputOf(id))).catch(() => 'gone'), { timeout: 20_000 }).toBe('gone');
    }
  });
});

describe('an upload', () => {
  const start = async (data: string, name: string, size: number): Promise<Answer['body']> =>
    (await opened().must(as(), 'POST', `${BASE}/data/${data}/uploads`, { files: [{ name, size }] })).body.uploads[0];
  const partUrl = (upload: { partUrl: string }, part: number): string => upload.partUrl.replace('{part}', String(part));
  const complete = (data: string, ...uploads: readonly object[]): Promise<Answer> => post(`data/${data}/uploads/complete`, { uploads });
  const received = async (upload: string): Promise<readonly number[]> => (await opened().must(as(), 'GET', `${BASE}/uploads/${upload}`)).body.received;

  /** Says that it will send all of it, sends half, and is gone. */
  const sendHalf = (at: string, bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      const sent = request(`${opened().url}${at}`, {
        method: 'PUT',
        agent: false,
        headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) },
      });
      sent.on('error', () => {});
      sent.on('close', () => resolve());
      sent.write(bytes.subarray(0, bytes.length / 2), () => sent.destroy());
    });

  it('that is cut off at half goes on, and only what was missing is sent again', async () => {
    const data = await things().data();
    const bytes = randomBytes(UPLOAD_PART_BYTES + 1_000_001);
    const [first, second] = [bytes.subarray(0, UPLOAD_PART_BYTES), bytes.subarray(UPLOAD_PART_BYTES)];
    const upload = await start(data.id, 'large.bin', bytes.length);
    await opened().must(null, 'PUT', partUrl(upload, 2), second);
    await sendHalf(partUrl(upload, 1), first);
    expect(await received(upload.id)).toEqual([2]);
    // Until the server has noticed that the sender is gone, it says that the part is still being sent.
    await expect.poll(async () => (await complete(data.id, { id: upload.id })).body.message, { timeout: 20_000, interval: 20 }).toContain('part 1 of 2');
    await expectRefused(complete(data.id, { id: upload.id }), 409, 'upload-incomplete', 'part 1 of 2', upload.id);
    expect((await opened().must(as(), 'GET', `${BASE}/data/${data.id}`)).body).toMatchObject({ fileCount: 0, totalSize: 0 });
    await sendHalf(partUrl(upload, 2), second);
    // The half may have gone out whole into the socket, so that its sender was gone before the server heard of it.
    await expect.poll(() => received(upload.id), { timeout: 20_000, interval: 20 }).toEqual([]);
    for (const [part, piece] of [
      [1, first],
      [2, second],
    ] as const)
      await opened().must(null, 'PUT', partUrl(upload, part), piece);
    const wrong = complete(data.id, { id: upload.id, digest: `sha256:${'0'.repeat(64)}` });
    await expectRefused(wrong, 409, 'digest-differs', 'large.bin', 'digest');
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const { body } = await complete(data.id, { id: upload.id, digest });
    expect(body.files).toEqual([expect.objectContaining({ name: 'large.bin', size: bytes.length, digest })]);
    const again = await complete(data.id, { id: upload.id, digest });
    expect([again.status, again.body]).toEqual([201, body]);
    const back = await opened().must(as(), 'GET', `${BASE}/data/${data.id}/files/${body.files[0].id}/content`);
    expect(back.bytes.equals(bytes)).toBe(true);
    expect((await snapshotDisk()).filter((file) => file.includes(upload.id) && file.startsWith('uploads/'))).toEqual([]);
  });

  it('is refused parts out of form, and stays as it was', async () => {
    const data = await things().data();
    const upload = await start(data.id, 'a.bin', 10);
    const put = (part: number | string, bytes: Uint8Array, headers: Record<string, string> = {}) =>
      exchange(opened().url, { method: 'PUT', path: upload.partUrl.replace('{part}', String(part)), body: bytes, headers });
    await expectRefused(put(1, randomBytes(9)), 400, 'part-out-of-form', '10 bytes', '9');
    await expectRefused(put(1, randomBytes(11)), 400, 'part-out-of-form', '10 bytes', '11');
    await expectRefused(put(2, randomBytes(10)), 400, 'invalid-request', 'parts 1 to 1');
    for (const part of ['0', '-1', '1.5', 'x', '1e99']) await expectRefused(put(part, randomBytes(10)), 400, 'invalid-request');
    expect(await received(upload.id)).toEqual([]);
    await opened().must(as(), 'DELETE', `${BASE}/uploads/${upload.id}`);
    await expectRefused(put(1, randomBytes(10)), 404, 'not-found', upload.id);
    expect((await snapshotDisk()).filter((file) => file.includes(upload.id))).toEqual([]);
  });

  it('adds all files or none', async () => {
    const data = await things().data();
    const [whole, partial] = [await start(data.id, 'whole.bin', 4), await start(data.id, 'partial.bin', 4)];
    await opened().must(null, 'PUT', partUrl(whole, 1), randomBytes(4));
    await expectRefused(complete(data.id, { id: whole.id }, { id: partial.id }), 409, 'upload-incomplete', partial.id);
    await expectRefused(complete(data.id, { id: whole.id }, { id: '0198c3f0-0000-7000-8000-000000000000' }), 404, 'not-found');
    await expectRefused(complete(data.id, { id: whole.id }, { id: whole.id }), 400, 'invalid-request', 'twice');
    expect((await opened().must(as(), 'GET', `${BASE}/data/${data.id}/files`)).body.items).toEqual([]);
  });

  it.each([
    '../../x',
    '..',
    '.',
    '',
    '/',
    '/etc/passwd',
    'a/../b',
    './a',
    'a/./b',
    'a//b',
    'a/',
    'a\\b',
    '..\\x',
    'a\nb',
    'a\rb',
    'a\tb',
    'a\u0000b',
    '\u007f',
    'x'.repeat(256),
    'あ'.repeat(86),
    `${'a/'.repeat(600)}b`,
    '\ud800',
  ])('is refused a file name that could lead anywhere: %j', async (name) => {
    const data = await things().data();
    await nothingHappens(() =>
      expectRefused(
        post(`data/${data.id}/uploads`, {
          files: [
            { name: 'good.txt', size: 1 },
            { name, size: 1 },
          ],
        }),
        400,
        'invalid-request',
      ),
    );
  });

  it('takes every other name, and a job finds it under that name', async () => {
    const names = [
      '日本語 ファイル.txt',
      'x'.repeat(255),
      'あ'.repeat(85),
      'a/b/c.txt',
      '.hidden',
      '-rf',
      'a b',
      "it's $(odd) `x` *.txt",
      '%2e%2e',
      'CON',
      'a:b',
      '...',
      '\u202etxt.exe',
      'e\u0301',
      '\u00e9',
      '🎉',
    ];
    const data = await things().data();
    const { uploads } = (await opened().must(as(), 'POST', `${BASE}/data/${data.id}/uploads`, { files: names.map((name) => ({ name, size: 0 })) })).body;
    const { body } = await complete(data.id, ...uploads.map(({ id }: { id: string }) => ({ id })));
    expect(body.files.map(({ name }: { name: string }) => name).toSorted()).toEqual(names.toSorted());
    for (const { id, name } of body.files) {
      const { headers } = await opened().must(as(), 'GET', `${BASE}/data/${data.id}/files/${id}/content`);
      expect(decodeURIComponent(String(headers['content-disposition']).split("UTF-8''")[1] ?? '')).toBe(name.split('/').at(-1));
    }
    const dataset = await things().dataset(data);
    const list = `const { readdirSync } = require('fs'); const at = (process.env.SODATE_ROOT ?? '') + '/kqi/input/training/${data.number}'; process.stdout.write(JSON.stringify(readdirSync(at, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => (e.parentPath ?? e.path).slice(at.length + 1) + '/' + e.name)))`;
    const { id } = (
      await opened().must(as(), 'POST', `${BASE}/trainings`, {
        name: 'x',
        command: ['node', '-e', list],
        dataset: dataset.id,
        git: { repository: 'team/model' },
        resources: { cpu: 0.5, memory: 300_000_000 },
      })
    ).body;
    await opened().untilRun('alpha', id, 'succeeded');
    expect((JSON.parse(await logOf(id)) as string[]).map((name) => name.replace(/^\//, '')).toSorted()).toEqual(names.toSorted());
    for (const name of ['a b', 'a/b', 'a/b/c.txt/d'])
      await expectRefused(
        post(`data/${(await things().data()).id}/uploads`, {
          files: [
            { name, size: 0 },
            { name, size: 0 },
          ],
        }),
        400,
        'invalid-request',
        name,
      );
    await expectRefused(post(`data/${data.id}/uploads`, { files: [{ name: 'a b', size: 0 }] }), 409, 'in-use');
  });

  it('is refused when it is larger than the disk', async () => {
    const data = await things().data();
    await nothingHappens(() => expectRefused(post(`data/${data.id}/uploads`, { files: [{ name: 'a', size: 5 * 1024 ** 4 }] }), 507, 'disk-full'));
  });
});

describe('a key that makes a creation safe to repeat', () => {
  const makers: readonly (readonly [string, string, string, () => Promise<object>, object])[] = [
    ['data', `${BASE}/data`, 'data', async () => ({ name: 'once' }), { memo: 'other' }],
    ['data sets', `${BASE}/datasets`, 'datasets', async () => ({ name: 'once', entries: { training: [(await things().data()).id] } }), { memo: 'other' }],
    ['tenants', '/v1/tenants', 'tenants', async () => ({ name: 'once' }), { displayName: 'other' }],
    ['tasks', `${BASE}/tasks`, 'runs', async () => ({ name: 'once', command: 'true', resources: SMALL }), { memo: 'other' }],
    [
      'trainings',
      `${BASE}/trainings`,
      'runs',
      async () => ({ name: 'once', command: 'true', dataset: (await things().dataset()).id, git: { repository: 'team/model' }, resources: SMALL }),
      { memo: 'other' },
    ],
    [
      'inferences',
      `${BASE}/inferences`,
      'runs',
      async () => ({ name: 'once', command: 'true', dataset: (await things().dataset()).id, git: { repository: 'team/model' }, resources: SMALL }),
      { memo: 'other' },
    ],
  ];
  const countRows = async (table: string): Promise<number> => Number((await opened().database.pool.query(`select count(*) as n from ${table}`)).rows[0].n);

  it.each(makers)('makes one and no more: %s', async (_what, at, table, make, change) => {
    const { systemAdmin, admin, ask } = opened();
    const body = await make();
    const before = await countRows(table);
    const send = (key: string, more: object = {}, who = systemAdmin.secret) =>
      ask(who, 'POST', at, { ...body, ...more }, { headers: { 'idempotency-key': key } });
    const first = await send('the key');
    const second = await send('the key');
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id]);
    expect(await countRows(table)).toBe(before + 1);
    await expectRefused(send('the key', change), 409, 'idempotency-mismatch');
    await expectRefused(
      ask(systemAdmin.secret, 'POST', at.startsWith(BASE) ? at.replace('alpha', 'beta') : `${BASE}/data`, body, { headers: { 'idempotency-key': 'the key' } }),
      409,
      'idempotency-mismatch',
    );
    await expectRefused(send('k'.repeat(201)), 400, 'invalid-request', 'Idempotency-Key');
    expect(await countRows(table)).toBe(before + 1);
    if (at.startsWith(BASE)) {
      const others = await send('the key', {}, admin.secret);
      expect([others.status, others.body.id === first.body.id]).toEqual([201, false]);
    }
    await opened().database.db.deleteFrom('idempotency_keys').execute();
  });

  it.each(makers)('makes one also when all come at once: %s', async (what, at, table, make) => {
    const body = { ...(await make()), name: `at-once-${what.replace(' ', '-')}` };
    const before = await countRows(table);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => opened().ask(opened().systemAdmin.secret, 'POST', at, body, { headers: { 'idempotency-key': `at once ${what}` } })),
    );
    expect(answers.map(({ status, text }) => (status === 201 ? 201 : text))).toEqual(answers.map(() => 201));
    expect(new Set(answers.map(({ body: made }) => made.id)).size).toBe(1);
    expect(await countRows(table)).toBe(before + 1);
  });

  it('is not used up by a request that was refused', async () => {
    const send = (command: unknown, image = 'host') => post('tasks', { name: 'x', command, image, resources: SMALL }, { 'idempotency-key': 'refused first' });
    await expectRefused(send(''), 400, 'invalid-request');
    expect((await send('true')).status).toBe(201);
  });
});

describe('the server, after all of this', () => {
  it('has met nothing that it did not expect', () => {
    // A full disk is the administrator's business too, and was asked for above.
    expect(opened().errorsLogged.filter((line) => !line.includes('"code":"disk-full"'))).toEqual([]);
  });
});
