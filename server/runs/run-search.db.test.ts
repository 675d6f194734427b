import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { listRunViews } from '#runs/run-store.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';
import { beforeAll, describe, expect, it } from 'vitest';

const NOW = new Date('2026-03-01T00:00:00Z');
const before = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000);

interface SomeRun {
  readonly name: string;
  readonly tenant?: TenantId;
  readonly [column: string]: unknown;
}

describe('searching runs', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  const [tenant, other] = [newId<TenantId>(), newId<TenantId>()];
  const [mina, bob] = [newId<UserId>(), newId<UserId>()];
  const ids = new Map<string, string>();
  const idOf = (name: string): string => ids.get(name) ?? '';
  const dataset = { id: newId<string>(), number: 0 };
  const data = { id: newId<string>(), number: 0 };

  const makeRun = async ({ name, tenant: owner = tenant, ...columns }: SomeRun): Promise<void> => {
    const id = newId<string>();
    ids.set(name, id);
    const common = { kind: 'training', memo: '', tags: [], state: 'queued', request: '{}', warnings: '[]', image: 'host', cpu_milli: 1000, retries: '{}' };
    const more = { memory_bytes: 1_000_000_000, gpus: 0, priority: 0, shape: '', created_by: mina, created_at: before(1), queued_at: NOW, due_at: NOW };
    await db()
      .insertInto('runs')
      .values({ ...common, ...more, ...columns, tenant_id: owner, id, name, number: ids.size })
      .execute();
  };
  const metric = async (run: string, name: string, last: number, owner = tenant): Promise<void> => {
    const run_id = idOf(run);
    await db()
      .insertInto('metric_runs')
      .values({ tenant_id: owner, run_id })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await db()
      .insertInto('metric_series')
      .values({ tenant_id: owner, run_id, kind: 'scalar', name, origin: 'api', tag: name, last_value: last, min_value: last - 1, max_value: last + 1 })
      .execute();
  };
  const parameter = async (run: string, name: string, value: string, number: number | null): Promise<void> => {
    await db()
      .insertInto('run_parameters')
      .values({ tenant_id: tenant, run_id: idOf(run), name, value, number })
      .execute();
  };

  beforeAll(async () => {
    for (const id of [tenant, other])
      await db()
        .insertInto('tenants')
        .values({ id, name: `t-${id}`, display_name: 'T', created_at: NOW })
        .execute();
    for (const [id, name] of [
      [mina, 'Mina'],
      [bob, 'bob'],
    ] as const)
      await db().insertInto('users').values({ id, name, display_name: name, created_at: NOW }).execute();
    await makeRun({
      name: 'first resnet',
      tags: ['good', 'v1'],
      state: 'succeeded',
      started_at: before(40),
      ended_at: before(39),
      created_at: before(41),
      exit_code: 0,
    });
    await makeRun({
      name: 'second resnet',
      memo: 'with dropout',
      tags: ['v1'],
      state: 'failed',
      failure_class: 'out-of-memory',
      exit_code: 137,
      created_by: bob,
      created_at: before(20),
      started_at: before(20),
      ended_at: before(19),
    });
    await makeRun({ name: '三番目のデータ', kind: 'task', state: 'running', started_at: before(2), favourite: true, gpus: 2, created_at: before(3) });
    await makeRun({
      name: 'fourth',
      kind: 'inference',
      partition: 'west',
      output_value: 'score 0.9',
      state: 'succeeded',
      created_at: before(1),
      memory_bytes: 4 * 2 ** 30,
    });
    await makeRun({ name: 'resnet of others', tenant: other, tags: ['v1'], created_at: before(1) });
    await metric('first resnet', 'loss', 0.05);
    await metric('second resnet', 'loss', 0.5);
    await metric('fourth', 'val loss', 7);
    await metric('三番目のデータ', 'loss', Number.NaN);
    await metric('resnet of others', 'loss', 0.01, other);
    await parameter('first resnet', 'lr', '0.01', 0.01);
    await parameter('second resnet', 'lr', '1e-2', 0.01);
    await parameter('fourth', 'lr', '0.5', 0.5);
    await parameter('fourth', 'optimizer', 'adam "w"', null);
    await parameter('first resnet', 'notes', 'x'.repeat(5_000), null);

    data.number = (
      await db()
        .insertInto('data')
        .values({ tenant_id: tenant, id: data.id, name: 'd', memo: '', tags: [], created_by: mina, created_at: NOW })
        .returning('number')
        .executeTakeFirstOrThrow()
    ).number;
    dataset.number = (
      await db()
        .insertInto('datasets')
        .values({ tenant_id: tenant, id: dataset.id, name: 's', memo: '', flat: true, created_by: mina, created_at: NOW })
        .returning('number')
        .executeTakeFirstOrThrow()
    ).number;
    await db().insertInto('dataset_entries').values({ tenant_id: tenant, dataset_id: dataset.id, data_id: data.id, type: 'flat' }).execute();
    await db()
      .insertInto('run_datasets')
      .values({ tenant_id: tenant, run_id: idOf('first resnet'), dataset_id: dataset.id })
      .execute();
    await db()
      .insertInto('run_parents')
      .values({ tenant_id: tenant, run_id: idOf('fourth'), parent_id: idOf('first resnet') })
      .execute();
  });

  const list = async (query: object, owner = tenant) => listRunViews(db(), owner, listRuns.query.parse(query), NOW);
  const names = async (query: object, owner = tenant): Promise<readonly string[]> =>
    (await list(query, owner)).rows.map(({ name }) => name.split(' ')[0] ?? '');
  const found = async (search: string): Promise<readonly string[]> => names({ search, sort: 'created' });
  const [A, B, C, D] = ['first', 'second', '三番目のデータ', 'fourth'];

  it.each([
    ['resnet', [A, B]],
    ['RESNET -dropout', [A]],
    ['"first res"', [A]],
    ['データ', [C]],
    ['番目の', [C]],
    ['%%%resnet', []],
    ['name:resnet', [A, B]],
    ['name="fourth"', [D]],
    ['name!="fourth"', [A, B, C]],
    ['memo:dropout', [B]],
    ['memo:resnet', []],
    ['tag:v1', [A, B]],
    ['tag:good,west', [A]],
    ['-tag:good', [B, C, D]],
    ['#2', [B]],
    ['number:1,3', [A, C]],
    ['number:2..3', [B, C]],
    ['number>=3', [C, D]],
    ['number:999999999999999', []],
    ['run:training-1', [A]],
    ['kind:task', [C]],
    ['kind!=training', [C, D]],
    ['state:failed,running', [B, C]],
    ['-state:succeeded', [B, C]],
    ['created>=2026-02', [B, C, D]],
    ['created:2026-01', [A]],
    ['created:2026-01-19', [A]],
    ['created<=2026-01', [A]],
    ['created>2026-01', [B, C, D]],
    ['created>=now-4d', [C, D]],
    ['created:2026-01-01..2026-02-10', [A, B]],
    ['created:2026-02-26T00:00Z', [C]],
    ['created>2026-02-26T09:00:00+09:00', [D]],
    ['ended:..2026-02', [A, B]],
    ['-ended:..2026-02', [C, D]],
    ['started>=2026-02-20', [C]],
    ['duration>=1d', [A, B]],
    ['duration<1h', []],
    ['creator:BOB', [B]],
    [`creator:${bob}`, [B]],
    ['creator:nobody', []],
    ['failure:out-of-memory', [B]],
    ['-failure:out-of-memory', [A, C, D]],
    ['exit:1..', [B]],
    ['favourite:yes', [C]],
    ['favourite:no', [A, B, D]],
    ['gpus>0', [C]],
    ['cpu:1', [A, B, C, D]],
    ['memory>=4GiB', [D]],
    ['memory<1.5GB', [A, B, C]],
    ['partition:west', [D]],
    ['value:score', [D]],
    ['image:host', [A, B, C, D]],
    ['metric.loss<0.1', [A]],
    ['metric.loss < 1e0', [A, B]],
    ['metric.loss>0', [A, B]],
    ['-metric.loss<0.1', [B, C, D]],
    ['metric."val loss":5..9', [D]],
    ['lowest.loss<-0.9', [A]],
    ['highest.loss>=1.5', [B]],
    ['param.lr = 0.01', [A, B]],
    ['param.lr:0.010', [A, B]],
    ['param.lr!=0.01', [C, D]],
    ['param.lr>0.1', [D]],
    ['param.lr:0.1..1', [D]],
    ['param.optimizer:"adam \\"w\\""', [D]],
    [`param.notes:${'x'.repeat(1_500)}`, []],
    ['parent:training-1', [D]],
    ['parent:training-99', []],
    ['resnet tag:v1 and not state:failed metric.loss<1', [A]],
    ['', [A, B, C, D]],
  ])('finds what is meant by %s', async (search, expected) => {
    expect(await found(search)).toEqual(expected);
  });

  it('finds by the data set and the data that were used', async () => {
    expect(await found(`dataset:#${dataset.number}`)).toEqual([A]);
    expect(await found(`dataset:${dataset.id}`)).toEqual([A]);
    expect(await found(`data:${data.number}`)).toEqual([A]);
    expect(await found(`-data:${data.number}`)).toEqual([B, C, D]);
    expect(await found(`param.notes:"${'x'.repeat(300)}"`)).toEqual([]);
  });

  it.each([
    ['re', 1, 'at least 3 letters or digits'],
    ['resnet --- ', 10, 'one negation'],
    ['"---" resnet', 1, 'at least 3 letters or digits'],
    ['name:re', 6, 'three letters or digits'],
    ['colour:red', 1, 'there is no field colour here. Known: number, run, kind, state'],
    ['metric:0.1', 1, 'metric.NAME'],
    ['state.x:failed', 1, 'no field state.x'],
    ['resnet state:done', 14, 'one of queued, starting'],
    ['state>failed', 1, ': = !='],
    ['created:yesterday', 9, '2026-01-31'],
    ['created:2026-02-30', 9, 'a year, month, day'],
    ['created:2026-13', 9, 'a year, month, day'],
    ['created:0050', 9, 'a year, month, day'],
    ['metric.loss<low', 13, 'a number such as 0.5'],
    ['metric.loss<1e999', 13, 'a number such as 0.5'],
    ['metric.loss<1,2', 1, 'takes one value'],
    ['metric.loss<1..2', 13, 'a range goes with a colon'],
    ['tag:a..b', 5, 'no ranges'],
    ['number:1.5', 8, 'a whole number'],
    ['number:-1', 8, 'a whole number'],
    ['favourite:maybe', 11, 'yes or no'],
    ['memory:4parsecs', 8, 'a size such as'],
    ['duration:soon', 10, '30s'],
    ['dataset:digits', 9, 'a number such as 12'],
    ['parent:12', 8, 'training-12'],
    ['tag:""', 5, 'a tag as a whole'],
  ])('refuses %s and says where and why', async (search, at, problem) => {
    const refused = await found(search).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'search-not-understood', params: { at }, message: expect.stringContaining(problem) });
  });

  it('sorts by any column, with those without a value last, in pages that fit together', async () => {
    const inPages = async (sort: string, search?: string): Promise<readonly string[]> => {
      const all: string[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await list({ sort, search, limit: 1, cursor });
        all.push(...page.rows.map(({ name }) => name.split(' ')[0] ?? ''));
        expect(page.total).toEqual({ count: 4, exact: true });
        if (page.nextCursor === null) return all;
        cursor = page.nextCursor;
      }
    };
    for (const search of [undefined, 'cpu:1']) {
      expect(await inPages('-created', search)).toEqual([D, C, B, A]);
      expect(await inPages('created', search)).toEqual([A, B, C, D]);
      expect(await inPages('number', search)).toEqual([A, B, C, D]);
      expect(await inPages('name', search)).toEqual([A, D, B, C]);
      expect(await inPages('-state', search)).toEqual([D, A, C, B]);
      expect(await inPages('ended', search)).toEqual([A, B, C, D]);
      expect(await inPages('-ended', search)).toEqual([B, A, D, C]);
      expect(await inPages('-started', search)).toEqual([C, B, A, D]);
      expect(await inPages('-duration', search)).toEqual([B, A, D, C]);
      expect(await inPages('-exit', search)).toEqual([B, A, D, C]);
      expect(await inPages('value', search)).toEqual([D, A, B, C]);
      expect(await inPages('metric.loss', search)).toEqual([A, B, C, D]);
      expect(await inPages('-metric.loss', search)).toEqual([B, A, D, C]);
      expect(await inPages('lowest.loss', search)).toEqual([A, B, C, D]);
      expect(await inPages('-param.lr', search)).toEqual([D, B, A, C]);
    }
  });

  it('refuses an order that it does not know, and a cursor of another one', async () => {
    await expect(list({ sort: 'colour' })).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(/colour.*created, number.*metric\.NAME/),
    });
    await expect(list({ sort: 'toString' })).rejects.toMatchObject({ code: 'invalid-request' });
    const { nextCursor } = await list({ sort: 'name', limit: 1 });
    await expect(list({ sort: '-name', cursor: nextCursor })).rejects.toMatchObject({ code: 'invalid-cursor' });
    await expect(list({ cursor: nextCursor })).rejects.toMatchObject({ code: 'invalid-cursor' });
    const forged = (...parts: readonly unknown[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url');
    for (const [sort, key] of [
      ['-created', 'no instant'],
      ['-created', '999999-01-01'],
      ['number', '1; drop table runs'],
      ['number', '99999999999999999999'],
      ['metric.loss', 'x'],
      ['duration', 'x'],
      ['name', '\u0000'],
      ['-created', null],
    ] as const)
      for (const search of [undefined, 'cpu:1'])
        await expect(list({ sort, search, cursor: forged(sort, key, idOf('fourth')) })).rejects.toMatchObject({ code: 'invalid-cursor' });
  });

  it("shows nothing of another tenant's, whatever is asked", async () => {
    for (const search of [
      'resnet',
      'tag:v1',
      `metric.loss<1`,
      '-state:failed',
      `run:training-${ids.size}`,
      `run:${idOf('resnet of others')}`,
      `parent:${idOf('first resnet')}`,
    ])
      expect(await found(search)).not.toContain('resnet');
    for (const search of [`dataset:#${dataset.number}`, `data:${data.number}`, `parent:training-1`, 'param.lr:0.01', `run:${idOf('fourth')}`, '#1'])
      expect(await names({ search }, other)).toEqual([]);
    expect(await names({ search: 'metric.loss<1' }, other)).toEqual(['resnet']);
    expect(await names({ sort: 'metric.loss' }, other)).toEqual(['resnet']);
  });

  it('takes what its own parameters ask for together with the search', async () => {
    expect(await names({ search: 'resnet', state: ['failed'], text: 'se', tag: 'v1', createdBy: 'bob', kind: 'training' })).toEqual([B]);
    expect(await names({ search: 'resnet', favourite: 'true' })).toEqual([]);
    expect(await names({ text: 're', sort: 'created' })).toEqual([A, B]);
  });

  it('takes every text as a text', async () => {
    const count = async (): Promise<number> =>
      (
        await db()
          .selectFrom('runs')
          .select((select) => select.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
      ).count;
    const runs = await count();
    for (const attack of ATTACKS) {
      for (const make of [
        (word: string) => word,
        (word: string) => `"${word}"`,
        (word: string) => `name:"${word}"`,
        (word: string) => `name="${word}"`,
        (word: string) => `tag:"${word}"`,
        (word: string) => `creator:"${word}"`,
        (word: string) => `partition:"${word}"`,
        (word: string) => `metric."${word}"<1`,
        (word: string) => `param."${word}":"${word}"`,
        (word: string) => `number:"${word}"`,
        (word: string) => `created>"${word}"`,
        (word: string) => `run:"${word}"`,
        (word: string) => `${word}:1`,
      ]) {
        const search = make(attack);
        const answer = await found(search).catch((error: unknown) => {
          expect([search, error]).toEqual([search, expect.objectContaining({ code: 'search-not-understood' })]);
          return [];
        });
        expect([search, answer]).toEqual([search, []]);
      }
      await list({ sort: `metric.${attack}` });
      await expect(list({ sort: attack.replace('.', '') })).rejects.toMatchObject({ code: 'invalid-request' });
    }
    expect(await count()).toBe(runs);
  });
});

const ATTACKS = [
  "' or '1'='1",
  "' or 1=1 --",
  "'; drop table runs; --",
  "') or true or ('",
  '$1 or true',
  "' union select secret_hash::text from tokens --",
  String.raw`\' or 1=1 --`,
  String.raw`\\' or true --`,
  'ʼ or true --',
  '$$; delete from runs; $$',
  "%' or name like '%",
  '{{7*7}}${1+1}',
  '/**/or/**/true',
  "a' || pg_sleep(5) || '",
  '1::text; select 1',
  '\u2019 or true',
  'null) is not true or (true',
  "'::regclass",
];
