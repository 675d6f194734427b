import type { Clock } from '#kit/clock.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { appendPoints } from '#metrics/append-points.ts';
import { makeFollowMetrics } from '#metrics/follow-metrics.ts';
import { rebuildMetrics } from '#metrics/rebuild-metrics.ts';
import { frameEvent } from '#metrics/testing/frame-events.ts';
import { type InsertedRun, insertRun } from '#metrics/testing/insert-run.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** More than two chunks of each series, so that there are coarser levels. */
const STEPS = 5_000;

describe('metrics that are read again from the files of a run', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  const held = { home: '', now: Date.parse('2026-01-01T00:00:00Z') };
  const clock: Clock = { now: () => new Date(held.now), sleep: async () => {} };
  const output = (run: string): string => path.join(held.home, run);
  const newServer = () => {
    const pass = makeFollowMetrics({ db: db(), clock, log: silentLog, server: newId(), changes: { publish: () => {} }, folders: { output } });
    return async (): Promise<void> => {
      held.now += 60_000;
      for (let at = 0; (await pass(new AbortController().signal)) === 'again'; at += 1) if (at > 500) throw new Error('It does not come to an end');
    };
  };

  beforeAll(async () => {
    held.home = await mkdtemp(path.join(tmpdir(), 'sodate-rebuild-'));
  });
  afterAll(() => rm(held.home, { recursive: true, force: true }));

  const end = (run: InsertedRun) => db().updateTable('runs').set({ state: 'succeeded', ended_at: clock.now() }).where('id', '=', run.run).execute();
  const rebuild = (run: InsertedRun, tenant = run.tenant) => rebuildMetrics(db(), { tenant, run: run.run, reference: 'task-1', output: output(run.run) });
  const refusalOf = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (!isSodateError(error)) throw error;
    return `${error.code}: ${error.message}`;
  };

  /** Everything that is stored of a run's metrics, without the ids that a second reading gives anew. */
  async function everything(run: InsertedRun): Promise<unknown> {
    const { rows: series } = await sql`
      select s.kind, s.name, s.origin, s.tag, s.points, s.nan_points, s.first_step, s.last_step, s.last_at, s.last_value, s.min_value, s.max_value, s.tail_pieces,
        (select jsonb_agg(jsonb_build_array(c.level, c.seq, c.count, c.sealed, md5(c.data)) order by c.level, c.seq) from metric_chunks c where c.series_id = s.id) as chunks,
        (select jsonb_agg(jsonb_build_array(i.seq, i.step, i.at, i.summary, i.path, i.file_offset) order by i.seq) from metric_items i where i.series_id = s.id) as items
      from metric_series s where s.run_id = ${run.run} order by s.origin, s.tag, s.kind`.execute(db());
    const files = await db().selectFrom('metric_files').selectAll().where('run_id', '=', run.run).orderBy('path').execute();
    const parameters = await db().selectFrom('run_parameters').selectAll().where('run_id', '=', run.run).orderBy('name').execute();
    const counts = await db().selectFrom('metric_runs').selectAll().where('run_id', '=', run.run).executeTakeFirstOrThrow();
    return { series, files, parameters, counts };
  }

  /** Written at once and read to the end, so that a second reading takes the same stretches. */
  async function endedRun(look: () => Promise<void>): Promise<InsertedRun> {
    const run = await insertRun(db(), clock.now());
    const folder = output(run.run);
    await mkdir(path.join(folder, 'logs'), { recursive: true });
    const events = Array.from({ length: STEPS }, (_, step) => frameEvent({ step, scalars: { loss: Math.sin(step), accuracy: step % 7 === 0 ? NaN : step } }));
    await writeFile(path.join(folder, 'logs/events.out.tfevents.1.host'), Buffer.concat(events));
    await writeFile(
      path.join(folder, 'metrics.jsonl'),
      `${Array.from({ length: STEPS }, (_, step) => `{"step":${step},"speed":${step},"time":1}`).join('\n')}\nno line\n`,
    );
    const points = [{ series: 'from a request', step: 1, at: 1, value: 1 }];
    await db()
      .transaction()
      .execute((tx) => appendPoints(tx, { ...run, origin: 'api', points, beyondLimits: 'refuse' }));
    await end(run);
    await look();
    return run;
  }

  it('are the same again, bit for bit, whatever had become of them', async () => {
    const look = newServer();
    const run = await endedRun(look);
    const before = await everything(run);
    expect(before).toMatchObject({ series: [{ name: 'from a request' }, { name: 'accuracy', points: STEPS }, { name: 'loss' }, { name: 'speed' }] });
    // As after a damage: a chunk lost, another with other bytes, a series gone.
    await sql`delete from metric_chunks c using metric_series s where s.id = c.series_id and s.run_id = ${run.run} and s.tag = 'loss' and c.seq = 0`.execute(
      db(),
    );
    await sql`update metric_chunks c set data = '\\x00' from metric_series s where s.id = c.series_id and s.run_id = ${run.run} and s.tag = 'speed'`.execute(
      db(),
    );
    await sql`delete from metric_series where run_id = ${run.run} and tag = 'accuracy'`.execute(db());
    expect(await everything(run)).not.toEqual(before);
    expect(await rebuild(run)).toEqual({ files: 2 });
    expect(await everything(run)).toMatchObject({ series: [{ name: 'from a request' }], files: [], counts: { series: 1, points: 1, malformed_lines: 0 } });
    await look();
    expect(await everything(run)).toEqual(before);
    expect((await db().selectFrom('runs').select('metrics_read_at').where('id', '=', run.run).executeTakeFirstOrThrow()).metrics_read_at).toEqual(clock.now());
  });

  it('are read from the beginning also by a server that remembers where it was before another took over', async () => {
    const [first, second] = [newServer(), newServer()];
    const run = await insertRun(db(), clock.now());
    await mkdir(output(run.run), { recursive: true });
    await writeFile(path.join(output(run.run), 'metrics.jsonl'), '{"step":1,"speed":1,"time":1}\n');
    await first();
    await end(run);
    await second();
    const before = await everything(run);
    await rebuild(run);
    await first();
    expect(await everything(run)).toEqual(before);
  });

  it('are left alone when a file of theirs is gone or has been cut', async () => {
    const look = newServer();
    const run = await endedRun(look);
    const before = await everything(run);
    const file = path.join(output(run.run), 'metrics.jsonl');
    await truncate(file, 100);
    expect(await refusalOf(rebuild(run))).toMatch(/wrong-state: File metrics\.jsonl is gone, or shorter.*nothing was changed/);
    await rm(file);
    expect(await refusalOf(rebuild(run))).toMatch(/wrong-state: File metrics\.jsonl/);
    expect(await everything(run)).toEqual(before);
  });

  it('are not read again while the run writes, nor by another tenant', async () => {
    const look = newServer();
    const run = await insertRun(db(), clock.now());
    await mkdir(output(run.run), { recursive: true });
    await writeFile(path.join(output(run.run), 'metrics.jsonl'), '{"step":1,"speed":1}\n');
    await look();
    expect(await refusalOf(rebuild(run))).toMatch(/wrong-state: Run task-1 is running; this needs one that has ended/);
    await end(run);
    await appendFile(path.join(output(run.run), 'metrics.jsonl'), '{"step":2,"speed":2}\n');
    expect(await refusalOf(rebuild(run))).toMatch(/wrong-state: Run task-1 is being read.*Try again/);
    await look();
    const before = await everything(run);
    expect(await refusalOf(rebuild(run, newId<TenantId>()))).toMatch(/^not-found/);
    expect(await everything(run)).toEqual(before);
  });
});
