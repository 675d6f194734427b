import { useTestDatabase } from '#kit/db/test-database.ts';
import { findRun } from '#runs/find-run.ts';
import { readRunView, readTimeline } from '#runs/run-store.ts';
import { showFailure, showWarnings, showWords } from '#runs/run-view.ts';
import { type Bench, openBench } from '#runs/simulation/engine-bench.ts';
import { stopRun } from '#runs/stop-run.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import { beforeEach, describe, expect, it } from 'vitest';

const database = useTestDatabase();
const bench = { it: undefined as unknown as Bench };
beforeEach(async () => {
  bench.it = await openBench(database().db);
  await bench.it.addNode({ cpuMilli: 1000 });
});

const said = async (run: RunId) =>
  (await readTimeline(bench.it.db, bench.it.tenant, run)).map(({ state, note, words }) => [state, note, showWords(words)?.code ?? null]);
const failureOf = async (run: RunId) => {
  const row = await readRunView(bench.it.db, bench.it.tenant, run);
  return row === undefined ? null : showFailure(row);
};

describe('what is said of a run is stored as text and as code', () => {
  it('from its submission to an exit code', async () => {
    const run = await bench.it.submit({ script: { runMs: 0, exitCode: 3 } });
    await bench.it.server().until(run, 'failed');
    const [node] = await bench.it.db.selectFrom('nodes').select('name').execute();
    expect(await said(run)).toEqual([
      ['queued', 'submitted', 'submitted'],
      ['starting', 'placed', 'placed'],
      ['running', `on ${node?.name}`, 'started-on'],
      ['finishing', 'exit code 3', 'exit-code'],
      ['failed', 'The command ended with exit code 3.', 'command-exit-code'],
    ]);
    expect(await failureOf(run)).toMatchObject({
      class: 'user-error',
      message: 'The command ended with exit code 3.',
      words: { code: 'command-exit-code', params: { exitCode: 3 } },
    });
  });

  it('of a success the state says it all', async () => {
    const run = await bench.it.submit({ script: { runMs: 0 } });
    await bench.it.server().until(run, 'succeeded');
    expect((await said(run)).at(-1)).toEqual(['succeeded', '', null]);
    expect(await failureOf(run)).toBeNull();
  });

  it('of what an executor refuses, and of a try that follows', async () => {
    const refused = await bench.it.submit({ script: { refuses: 'image-pull' } });
    await bench.it.server().until(refused, 'failed');
    expect(await failureOf(refused)).toMatchObject({ words: { code: 'fake-refuses', params: { failure: 'image-pull' } } });
    const lost = await bench.it.submit({ script: { runMs: 0, vanishes: true } });
    await bench.it.server().until(lost, 'queued', 'failed');
    const server = bench.it.server();
    await server.until(lost, 'failed');
    expect((await said(lost)).filter(([, , code]) => code === 'fake-vanished').length).toBeGreaterThan(2);
  });

  it('of a stop before it was placed', async () => {
    const run = await bench.it.submit({ cpu: 900 });
    await stopRun(bench.it.db, bench.it.clock, await findRun(bench.it.db, bench.it.tenant, run), 0);
    expect(await said(run)).toEqual([
      ['queued', 'submitted', 'submitted'],
      ['cancelled', 'stop asked before it was placed', 'stop-before-placed'],
    ]);
  });
});

describe('rows from before there were codes', () => {
  it('are shown by their text', async () => {
    const run = await bench.it.submit({ script: { runMs: 0, exitCode: 1 } });
    await bench.it.server().until(run, 'failed');
    const { db } = bench.it;
    await db.updateTable('run_timeline').set({ words: null }).where('run_id', '=', run).execute();
    await db.updateTable('runs').set({ failure_words: null }).where('id', '=', run).execute();
    expect((await said(run)).at(-1)).toEqual(['failed', 'The command ended with exit code 1.', null]);
    expect(await failureOf(run)).toMatchObject({ message: 'The command ended with exit code 1.', words: null });
    expect(showWarnings(['An old warning.'])).toEqual({ warnings: ['An old warning.'], warningWords: [null] });
  });

  it('an attempt that failed under the version before ends with its own text', async () => {
    const run = await bench.it.submit({ script: { runMs: 1_000, exitCode: 1 } });
    const server = bench.it.server();
    await server.until(run, 'running');
    await bench.it.db
      .updateTable('attempts')
      .set({ failure_class: 'disk-limit', failure_message: 'Too much was written.', ended_at: bench.it.clock.now() })
      .execute();
    await bench.it.db.updateTable('runs').set({ state: 'finishing' }).where('id', '=', run).execute();
    await server.end();
    await bench.it.server().until(run, 'failed');
    expect((await said(run)).at(-1)).toEqual(['failed', 'Too much was written.', 'as-written']);
    expect(await failureOf(run)).toMatchObject({ class: 'disk-limit', message: 'Too much was written.' });
  });
});
