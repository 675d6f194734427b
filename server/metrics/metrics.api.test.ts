import { makeTenantThings, type TenantThings } from '#api-tests/tenant-things.ts';
import { useTestPlatform } from '#api-tests/test-platform.ts';
import { systemClock } from '#kit/clock.ts';
import { frameEvent } from '#metrics/testing/frame-events.ts';
import { appendFile, cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

describe('metrics over the API', () => {
  const opened = useTestPlatform();
  let things: TenantThings;
  beforeAll(() => {
    things = makeTenantThings(opened(), 'alpha', opened().member.secret);
  });

  const ask = (method: string, at: string, body?: unknown) => opened().ask(opened().member.secret, method, `/v1/tenants/alpha/${at}`, body);
  const must = async (method: string, at: string, body?: unknown) =>
    (await opened().must(opened().member.secret, method, `/v1/tenants/alpha/${at}`, body)).body;
  const outputOf = async (run: string): Promise<string> => {
    const folder = path.join(opened().home.folder, 'runs', run, 'output');
    await mkdir(folder, { recursive: true });
    return folder;
  };
  const until = async <T>(look: () => Promise<T>, done: (found: T) => boolean): Promise<T> => {
    for (;;) {
      const found = await look();
      if (done(found)) return found;
      await systemClock.sleep(50);
    }
  };

  it('takes points of any kind of number and shows them as charts and in lists', async () => {
    const run = await things.endedTask();
    const at = '2026-01-01T00:00:00.000Z';
    const values = [1, 'NaN', '-Infinity', 'Infinity', 0.25];
    const points = values.map((value, step) => ({ name: 'loss', step, value, at }));
    expect(await must('POST', `runs/${run.id}/metrics`, { points })).toEqual({ stored: 5 });
    expect(await must('POST', `runs/${run.id}/metrics`, { points })).toEqual({ stored: 0 });
    const known = { points: 5, nanPoints: 1, last: 0.25, lastStep: 4, min: '-Infinity', minStep: 2, max: 'Infinity', maxStep: 3, lastAt: at };
    expect((await must('GET', `runs/${run.id}/metrics`)).items).toEqual([
      { name: 'loss', kind: 'scalar', source: 'api', folder: null, firstStep: 0, ...known },
    ]);
    const { items } = await must('GET', `metrics?run=${run.id}&name=loss&name=none`);
    expect(items).toEqual([
      expect.objectContaining({ name: 'loss', exact: true, steps: [0, 1, 2, 3, 4], last: values, at: Array.from({ length: 5 }, () => Date.parse(at)) }),
    ]);
    const listed = await must('GET', `runs?metric=none&metric=loss`);
    expect(listed.items.find(({ id }: { id: string }) => id === run.id).metrics).toEqual([{ name: 'loss', last: 0.25, min: '-Infinity', max: 'Infinity' }]);
    for (const wrong of [
      { value: 'nan' },
      { value: null },
      { step: 0.5 },
      { step: 2 ** 53 },
      { name: '' },
      { name: 'n\u0000' },
      { name: '本'.repeat(334) },
      { at: 'now' },
    ])
      expect((await ask('POST', `runs/${run.id}/metrics`, { points: [{ name: 'x', step: 1, value: 1, ...wrong }] })).body).toMatchObject({
        code: 'invalid-request',
      });
  });

  it('pages series by name, those with a beginning alone if asked', async () => {
    const run = await things.endedTask();
    const names = Array.from({ length: 25 }, (_, at) => `${at % 2 === 0 ? 'train' : 'valid'}/${at}`).toSorted();
    await must('POST', `runs/${run.id}/metrics`, { points: names.map((name) => ({ name, step: 0, value: 0 })) });
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const page = await must('GET', `runs/${run.id}/metrics?limit=10${cursor}`);
      seen.push(...page.items.map(({ name }: { name: string }) => name));
      expect(page.total).toEqual({ count: 25, exact: true });
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(names);
    expect((await must('GET', `runs/${run.id}/metrics?prefix=valid/&limit=1`)).total.count).toBe(12);
    expect((await ask('GET', `runs/${run.id}/metrics?cursor=nonsense`)).body).toMatchObject({ code: 'invalid-cursor' });
  });

  it('lays runs over each other, thins long series, and compares by what they have', async () => {
    const runs = [await things.endedTask(), await things.endedTask()];
    for (const [nth, run] of runs.entries()) {
      const points = Array.from({ length: 5_000 }, (_, step) => ({ name: 'loss', step, value: step === 1_234 ? 1e6 : nth }));
      await must('POST', `runs/${run.id}/metrics`, { points });
      await must('POST', `runs/${run.id}/parameters`, {
        parameters: [
          { name: 'lr', value: `0.${nth}` },
          { name: 'seed', value: '1' },
        ],
      });
    }
    await must('POST', `runs/${runs[1]?.id}/metrics`, { points: [{ name: 'only here', step: 0, value: 1 }] });
    const both = runs.map(({ id }) => `run=${id}`).join('&');
    const { items } = await must('GET', `metrics?${both}&name=loss&maxPoints=100`);
    expect(items).toHaveLength(2);
    for (const chart of items) {
      expect(chart).toMatchObject({ points: 5_000, exact: false });
      expect(chart.steps.length).toBeLessThanOrEqual(100);
      expect(Math.max(...chart.max)).toBe(1e6);
      expect(chart.counts.reduce((sum: number, count: number) => sum + count, 0)).toBe(5_000);
    }
    const compared = await must('GET', `metrics/compare?${both}`);
    expect(compared.runs.map(({ id }: { id: string }) => id)).toEqual(runs.map(({ id }) => id));
    expect(compared.parameters).toEqual([
      { name: 'lr', values: ['0.0', '0.1'], differs: true },
      { name: 'seed', values: ['1', '1'], differs: false },
    ]);
    expect(compared.metrics.map(({ name, values }: { name: string; values: unknown[] }) => [name, values.map((value) => value !== null)])).toEqual([
      ['loss', [true, true]],
      ['only here', [false, true]],
    ]);
    expect((await ask('GET', `metrics?${both}&name=loss&name=only%20here&maxPoints=10000`)).status).toBe(200);
    const many = Array.from({ length: 30 }, (_, at) => `m${at}`);
    await must('POST', `runs/${runs[0]?.id}/metrics`, { points: many.map((name) => ({ name, step: 0, value: 0 })) });
    expect((await ask('GET', `metrics?${both}&maxPoints=10000&${many.map((name) => `name=${name}`).join('&')}`)).body).toMatchObject({ code: 'too-many' });
  });

  it('keeps a parameter as it was set first', async () => {
    const run = await things.endedTask();
    const set = (value: string) =>
      ask('POST', `runs/${run.id}/parameters`, {
        parameters: [
          { name: 'new', value: 'x' },
          { name: 'lr', value },
        ],
      });
    await must('POST', `runs/${run.id}/parameters`, { parameters: [{ name: 'lr', value: '0.1' }] });
    expect((await set('0.2')).body).toMatchObject({ code: 'parameter-set', params: { name: 'lr', present: '0.1' } });
    expect((await must('GET', `runs/${run.id}/parameters`)).items).toEqual([{ name: 'lr', value: '0.1' }]);
    expect((await set('0.1')).status).toBe(200);
    expect((await must('GET', `runs/${run.id}/parameters`)).items).toHaveLength(2);
  });

  it("follows a live run's files, and serves histograms, images and texts from them", async () => {
    const run = await things.liveTask();
    const folder = await outputOf(run.id);
    const file = path.join(folder, 'logs/events.out.tfevents.1');
    await mkdir(path.dirname(file), { recursive: true });
    await cp(new URL('./testing/fixtures/tensorboardx.tfevents.bin', import.meta.url), file);
    await writeFile(path.join(folder, 'metrics.jsonl'), '{"step":1,"accuracy":0.5}\nnonsense\n');
    const series = () => must('GET', `runs/${run.id}/metrics`);
    const first = await until(series, ({ items }) => items.length === 6);
    expect(first.losses).toEqual({ dropped: 0, malformedLines: 1, damagedRecords: 0, skippedFiles: 0, folderTooLarge: false });
    await appendFile(file, frameEvent({ step: 100, scalars: { loss: 7 } }));
    await until(series, ({ items }) => items.some(({ name, last }: { name: string; last: unknown }) => name === 'loss' && last === 7));

    const items = async (kind: string, name: string) => (await must('GET', `runs/${run.id}/metrics/items?kind=${kind}&name=${encodeURIComponent(name)}`)).items;
    expect(await items('histogram', 'weights')).toEqual([expect.objectContaining({ step: 1, histogram: expect.objectContaining({ count: 1000 }) })]);
    const content = async (kind: string, name: string, item: number) =>
      opened().ask(
        opened().viewer.secret,
        'GET',
        `/v1/tenants/alpha/runs/${run.id}/metrics/items/content?kind=${kind}&name=${encodeURIComponent(name)}&item=${item}`,
      );
    const [picture] = await items('image', 'picture');
    const image = await content('image', 'picture', picture.item);
    expect([image.status, image.text.slice(1, 4), picture.size > 50]).toEqual([200, 'PNG', true]);
    const [note] = await items('text', 'note/text_summary');
    expect((await content('text', 'note/text_summary', note.item)).text).toBe('a *text* 本');
    // The job has written something else there since.
    await writeFile(file, Buffer.alloc(20_000, 'x'));
    expect((await content('image', 'picture', picture.item)).body).toMatchObject({ code: 'not-found' });
    await must('POST', `runs/${run.id}/stop`, { graceSeconds: 0 });
  });

  it("knows nothing of another tenant's runs", async () => {
    const theirs = await makeTenantThings(opened(), 'beta', opened().foreigner.secret).endedTask();
    await opened().must(opened().foreigner.secret, 'POST', `/v1/tenants/beta/runs/${theirs.id}/metrics`, { points: [{ name: 'loss', step: 0, value: 1 }] });
    const mine = await things.endedTask();
    for (const at of [
      `metrics?run=${theirs.id}&name=loss`,
      `metrics?run=${mine.id}&run=${theirs.id}&name=loss`,
      `metrics/compare?run=${theirs.id}`,
      `runs/${theirs.id}/metrics`,
    ])
      expect((await ask('GET', at)).body, at).toMatchObject({ code: 'not-found' });
  });
});
