import type { Clock } from '#kit/clock.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { makeFollowMetrics } from '#metrics/follow-metrics.ts';
import { SERIES_PER_RUN_LIMIT } from '#metrics/metric-limits.ts';
import { findSeries, readParameters, readPointsFrom } from '#metrics/metrics.ts';
import { frameBytes, frameEvent } from '#metrics/testing/frame-events.ts';
import { type InsertedRun, insertRun } from '#metrics/testing/insert-run.ts';
import fc from 'fast-check';
import { appendFile, cp, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const event = (step: number, value = step): Buffer => frameEvent({ step, scalars: { loss: value } });

describe('metrics that runs write into their output', () => {
  const database = useTestDatabase();
  const held = { home: '', now: Date.parse('2026-01-01T00:00:00Z') };
  const clock: Clock = { now: () => new Date(held.now), sleep: async () => {} };
  const output = (run: string): string => path.join(held.home, run);
  const newServer = (server = newId()) => {
    const pass = makeFollowMetrics({ db: database().db, clock, log: silentLog, server, changes: { publish: () => {} }, folders: { output } });
    /** One look at everything, some seconds after the last one. */
    return async (): Promise<void> => {
      held.now += 60_000;
      for (let at = 0; (await pass(new AbortController().signal)) === 'again'; at += 1) if (at > 500) throw new Error('It does not come to an end');
    };
  };
  let look: () => Promise<void>;

  beforeAll(async () => {
    held.home = await mkdtemp(path.join(tmpdir(), 'sodate-metrics-'));
  });
  beforeEach(() => {
    look = newServer();
  });
  afterAll(() => rm(held.home, { recursive: true, force: true }));

  const newRun = async (): Promise<InsertedRun & { readonly folder: string }> => {
    const inserted = await insertRun(database().db, clock.now());
    await mkdir(output(inserted.run), { recursive: true });
    return { ...inserted, folder: output(inserted.run) };
  };
  const end = (run: InsertedRun) => database().db.updateTable('runs').set({ state: 'succeeded', ended_at: clock.now() }).where('id', '=', run.run).execute();
  const points = async (run: InsertedRun, name = 'loss') => {
    const [series] = await findSeries(database().db, run.tenant, [run.run], [name]);
    return series === undefined ? [] : readPointsFrom(database().db, run.tenant, series.id, { offset: 0, limit: 1e6 });
  };
  const values = async (run: InsertedRun, name?: string): Promise<number[]> => (await points(run, name)).map(({ value }) => value);
  const counts = (run: InsertedRun) => database().db.selectFrom('metric_runs').selectAll().where('run_id', '=', run.run).executeTakeFirstOrThrow();

  it('are read as they grow: half a record waits for its other half, half a line for its end', async () => {
    const run = await newRun();
    await mkdir(path.join(run.folder, 'logs/train'), { recursive: true });
    const events = path.join(run.folder, 'logs/train/events.out.tfevents.1.host');
    const lines = path.join(run.folder, 'metrics.jsonl');
    await writeFile(events, Buffer.concat([event(0), event(1), event(2).subarray(0, 30)]));
    await writeFile(lines, '{"step":0,"accuracy":0.5}\n{"step":1,"accu');
    await look();
    expect([await values(run), await values(run, 'accuracy')]).toEqual([[0, 1], [0.5]]);
    await appendFile(events, event(2).subarray(30));
    await appendFile(lines, 'racy":0.6}\n{"step":2,"accuracy":0.7}');
    await look();
    await look();
    expect([await values(run), await values(run, 'accuracy')]).toEqual([
      [0, 1, 2],
      [0.5, 0.6],
    ]);
    await end(run);
    await look();
    expect(await values(run, 'accuracy')).toEqual([0.5, 0.6, 0.7]);
    const { metrics_read_at } = await database().db.selectFrom('runs').select('metrics_read_at').where('id', '=', run.run).executeTakeFirstOrThrow();
    expect(metrics_read_at).toEqual(clock.now());
    expect(await counts(run)).toMatchObject({ malformed_lines: 0, damaged_records: 0, dropped_points: 0 });
  });

  it('are there once, whatever pieces the file grew in and whoever read it', async () => {
    const steps = Array.from({ length: 60 }, (_, step) => step);
    const file = Buffer.concat(steps.map((step) => event(step)));
    const lines = Buffer.from(steps.map((step) => `{"step":${step},"accuracy":${step}}\n`).join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }), fc.boolean(), async (cuts, restarts) => {
        const run = await newRun();
        const parts = [...cuts.toSorted((a, b) => a - b), 1];
        for (const [at, part] of parts.entries()) {
          const grown = (whole: Buffer): Buffer => whole.subarray(Math.floor(whole.length * (parts[at - 1] ?? 0)), Math.floor(whole.length * part));
          await appendFile(path.join(run.folder, 'events.out.tfevents.1'), grown(file));
          await appendFile(path.join(run.folder, 'metrics.jsonl'), grown(lines));
          if (restarts) look = newServer();
          await look();
        }
        await end(run);
        await look();
        expect([await values(run), await values(run, 'accuracy')]).toEqual([steps, steps]);
      }),
      { numRuns: 15 },
    );
  });

  it('are there once when two servers look at the same time, and one had been paused', async () => {
    const run = await newRun();
    await writeFile(path.join(run.folder, 'metrics.jsonl'), Array.from({ length: 1_000 }, (_, step) => `{"step":${step},"loss":${step}}\n`).join(''));
    const other = newServer();
    await Promise.all([look(), other(), look(), other()]);
    await appendFile(path.join(run.folder, 'metrics.jsonl'), '{"step":1000,"loss":1000}\n');
    await Promise.all([other(), look()]);
    await look();
    expect(await values(run)).toEqual(Array.from({ length: 1_001 }, (_, step) => step));
  });

  it('of the usual writers are read, pictures and texts as places in their files', async () => {
    const run = await newRun();
    const fixtures = new URL('./testing/fixtures/', import.meta.url);
    await cp(new URL('tensorboardx.tfevents.bin', fixtures), path.join(run.folder, 'a/events.out.tfevents.1'));
    await cp(new URL('hparams.tfevents.bin', fixtures), path.join(run.folder, 'a/session/events.out.tfevents.1'));
    await cp(new URL('tensorboard.tfevents.bin', fixtures), path.join(run.folder, 'b/events.out.tfevents.1'));
    await end(run);
    await look();
    const series = await database().db.selectFrom('metric_series').select(['kind', 'name', 'points']).where('run_id', '=', run.run).orderBy('name').execute();
    expect(series).toEqual([
      { kind: 'scalar', name: 'b/loss', points: 6 },
      { kind: 'scalar', name: 'hparam/accuracy', points: 1 },
      { kind: 'scalar', name: 'loss', points: 6 },
      { kind: 'text', name: 'note/text_summary', points: 1 },
      { kind: 'scalar', name: 'odd', points: 6 },
      { kind: 'image', name: 'picture', points: 1 },
      { kind: 'histogram', name: 'weights', points: 1 },
    ]);
    expect(await readParameters(database().db, run.tenant, [run.run])).toMatchObject([
      { name: 'lr', value: '0.1' },
      { name: 'nesterov' },
      { name: 'optimizer' },
    ]);
    expect(await counts(run)).toMatchObject({ damaged_records: 0 });
  });

  it('damaged anywhere lose what is damaged, and say so', async () => {
    const steps = Array.from({ length: 20 }, (_, step) => step);
    const file = Buffer.concat(steps.map((step) => event(step)));
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const run = await newRun();
        const changed = Buffer.from(file);
        changed[at] = (changed[at] ?? 0) ^ change;
        await writeFile(path.join(run.folder, 'events.out.tfevents.1'), changed);
        await end(run);
        await look();
        const record = Math.floor(at / (file.length / steps.length));
        const before = steps.slice(0, record);
        const read = await values(run);
        // The bytes of one record, or from its length on the rest.
        expect([before, [...before, ...steps.slice(record + 1)]]).toContainEqual(read);
        expect(await database().db.selectFrom('metric_runs').select('damaged_records').where('run_id', '=', run.run).executeTakeFirst()).toEqual({
          damaged_records: 1,
        });
      }),
      { numRuns: 15 },
    );
  });

  it('go on where a hole was filled, and after a file was written anew', async () => {
    const run = await newRun();
    const file = path.join(run.folder, 'events.out.tfevents.1');
    await writeFile(file, Buffer.concat([event(0), Buffer.alloc(event(1).length)]));
    await look();
    await writeFile(file, Buffer.concat([event(0), event(1)]));
    await appendFile(file, event(2));
    await look();
    expect(await values(run)).toEqual([0, 1, 2]);
    await truncate(file, 0);
    await look();
    await appendFile(file, event(7));
    await look();
    expect(await values(run)).toEqual([0, 1, 2, 7]);
  });

  it('are bounded: a million names, lines without end, nonsense, links', async () => {
    const run = await newRun();
    const names = Array.from({ length: SERIES_PER_RUN_LIMIT + 500 }, (_, at) => `{"step":0,"name ${at}":1}\n`).join('');
    await writeFile(path.join(run.folder, 'metrics.jsonl'), `${names}${'x'.repeat(600_000)}\nnonsense\n{"step":1,"name 0":2}\n`);
    await writeFile(
      path.join(run.folder, 'events.out.tfevents.2'),
      Buffer.concat([frameBytes(Buffer.from('no event at all')), Buffer.from('nonsense nonsense')]),
    );
    await writeFile(path.join(held.home, 'secret.tfevents.1'), event(1, 42));
    await symlink(path.join(held.home, 'secret.tfevents.1'), path.join(run.folder, 'events.out.tfevents.3'));
    await symlink(held.home, path.join(run.folder, 'linked'));
    await end(run);
    await look();
    const found = await counts(run);
    expect(found).toMatchObject({ series: SERIES_PER_RUN_LIMIT, dropped_points: 500, damaged_records: 2 });
    expect(found.malformed_lines).toBeGreaterThanOrEqual(2);
    expect(await values(run, 'name 0')).toEqual([1, 2]);
    const files = await database().db.selectFrom('metric_files').select(['path', 'given_up']).where('run_id', '=', run.run).orderBy('path').execute();
    expect(files).toEqual([
      { path: 'events.out.tfevents.2', given_up: expect.stringContaining('no record begins') },
      { path: 'metrics.jsonl', given_up: null },
    ]);
  });

  it('of histograms keep a bounded number, spread over the run, the newest among them', async () => {
    const run = await newRun();
    const file = path.join(run.folder, 'events.out.tfevents.1');
    for (let part = 0; part < 5; part += 1) {
      const some = Array.from({ length: 300 }, (_, at) => frameEvent({ step: part * 300 + at, histogram: { tag: 'w', limits: [1, 2], counts: [3, 4] } }));
      await appendFile(file, Buffer.concat(some));
      await look();
    }
    const kept = await database().db.selectFrom('metric_items').select('step').where('tenant_id', '=', run.tenant).orderBy('seq').execute();
    const steps = kept.map(({ step }) => step);
    expect(steps.length).toBeLessThanOrEqual(201);
    expect(steps.length).toBeGreaterThan(100);
    expect([steps[0], steps.at(-1)]).toEqual([0, 1_499]);
    expect(Math.max(...steps.map((step, at) => step - (steps[at - 1] ?? 0)))).toBeLessThanOrEqual(16);
  });

  it('concern no other run: what cannot be stored of one is tried again, and those deleted are forgotten', async () => {
    const [gone, other] = [await newRun(), await newRun()];
    for (const run of [gone, other]) await writeFile(path.join(run.folder, 'metrics.jsonl'), '{"step":0,"loss":1}\n');
    await look();
    await database().db.deleteFrom('runs').where('id', '=', gone.run).execute();
    for (const run of [gone, other]) await appendFile(path.join(run.folder, 'metrics.jsonl'), '{"step":1,"loss":2}\n');
    await look();
    expect([await values(gone), await values(other)]).toEqual([[], [1, 2]]);
  });
});
