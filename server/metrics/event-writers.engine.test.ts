import { systemClock } from '#kit/clock.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { makeFollowMetrics } from '#metrics/follow-metrics.ts';
import { findSeries, readParameters, readPointsFrom } from '#metrics/metrics.ts';
import { insertRun } from '#metrics/testing/insert-run.ts';
import { provideMlflowClient } from '#mlflow/testing/provide-mlflow-client.ts';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

/** Plain-Python writers of event files; PyTorch's `SummaryWriter` stands on the first. */
const WRITERS = ['tensorboard==2.19.0', 'tensorboardX==2.6.2.2', 'pillow', 'setuptools<81'];
const provided = await provideMlflowClient(WRITERS);
const [python, reason] = 'python' in provided ? [provided.python, ''] : ['', ` (skipped: ${provided.missing})`];
const script = fileURLToPath(new URL('./testing/write-events.py', import.meta.url));

describe.skipIf(python === '')(`event files by their published writers${reason}`, () => {
  const database = useTestDatabase();
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

  const newRun = async () => {
    const home = await mkdtemp(path.join(tmpdir(), 'sodate-writers-'));
    folders.push(home);
    const run = await insertRun(database().db, new Date(0));
    const output = path.join(home, 'output');
    await mkdir(output);
    /** As a server that has just started: nothing is remembered. */
    const look = async (): Promise<void> => {
      const parts = { db: database().db, clock: systemClock, log: silentLog, server: newServer, changes: { publish: () => {} } };
      await makeFollowMetrics({ ...parts, folders: { output: () => output } })(new AbortController().signal);
    };
    const values = async (name: string): Promise<number[]> => {
      const [series] = await findSeries(database().db, run.tenant, [run.run], [name]);
      const points = series === undefined ? [] : await readPointsFrom(database().db, run.tenant, series.id, { offset: 0, limit: 1e6 });
      return points.map(({ value }) => value);
    };
    return { ...run, output, look, values };
  };
  const newServer = newId();

  it('are read whole: tensorboardX and tensorboard', async () => {
    const run = await newRun();
    await Promise.all(
      ['tensorboardX', 'tensorboard'].map((writer) =>
        promisify(execFile)(python, [script, path.join(run.output, writer), writer, '300'], { timeout: 120_000 }),
      ),
    );
    await run.look();
    const expected = Array.from({ length: 300 }, (_, step) => Math.fround(1 / (step + 1)));
    expect(await run.values('loss')).toEqual(expected);
    expect(await run.values('tensorboardX/loss')).toEqual(expected);
    expect((await run.values('odd')).slice(0, 3)).toEqual([NaN, Infinity, -Infinity]);
    const kinds = await database().db.selectFrom('metric_series').select(['kind', 'tag']).where('run_id', '=', run.run).orderBy('tag').execute();
    expect(kinds).toEqual(
      expect.arrayContaining([
        { kind: 'histogram', tag: 'weights' },
        { kind: 'image', tag: 'picture' },
        { kind: 'text', tag: 'note/text_summary' },
      ]),
    );
    expect((await readParameters(database().db, run.tenant, [run.run])).map(({ name }) => name)).toEqual(['lr', 'nesterov', 'optimizer']);
  });

  it('are read while a writer writes them, and after it was killed', async () => {
    const run = await newRun();
    const seen: number[] = [];
    const expected: number[] = [];
    // The second writer begins another file in the same folder, as a program that was started again does.
    for (const first of [0, 5]) {
      const writer = spawn(python, [script, path.join(run.output, 'logs'), 'growing'], { stdio: ['pipe', 'pipe', 'inherit'] });
      const exited = once(writer, 'exit');
      const lines = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toBe('ready');
      for (let step = first; step < first + 5; step += 1) {
        writer.stdin.write(`${step}\n`);
        expect((await lines.next()).value).toBe(String(step));
        expected.push(step / 2);
        await run.look();
        seen.splice(0, seen.length, ...(await run.values('loss')));
        expect(seen).toEqual(expected);
      }
      writer.kill('SIGKILL');
      await exited;
    }
  });
});
