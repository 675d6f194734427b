import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compareRuns, listParameters, listSeries, readCharts, setParameters } from '@sodate/contract/metrics.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';
import { getMe } from '@sodate/contract/session.ts';
import { type ContractServer, contractServer } from './testing/contract-server.ts';
import { type TestCli, testCli } from './testing/run-in-test.ts';
import { at, id, me, noMore, run } from './testing/samples.ts';

let server: ContractServer;
let cli: TestCli;
const series = {
  ...{ name: 'loss', kind: 'scalar' as const, source: 'api' as const, folder: null, points: 3, nanPoints: 1, firstStep: 0, lastStep: 2, lastAt: at },
  ...{ last: 0.123456789, min: '-Infinity' as const, minStep: 1, max: 1, maxStep: 0 },
};
const losses = { dropped: 7, malformedLines: 0, damagedRecords: 1, skippedFiles: 0, folderTooLarge: false };
const chart = { run: { id: id(3), kind: 'task' as const, number: 12, name: 'count' }, name: 'loss' };

beforeEach(async () => {
  server = await contractServer();
  server.on(getMe, () => me);
  cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'secret', SODATE_TENANT: 'lab' });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await cli[Symbol.asyncDispose]();
});
const lastCall = () => server.calls.at(-1);

describe('metrics', () => {
  test('are listed with what was lost of them', async () => {
    server.on(listSeries, () => ({ items: [series], losses, ...noMore }));
    const { exitCode, out } = await cli.run(['run', 'metrics', 'task-12', '--prefix', 'lo']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/loss +scalar +3 \(1 NaN\) +0\.123457 @ 2 +-Infinity @ 1 +1 @ 0/);
    expect(out).toContain('7 points or parameters were not kept');
    expect(out).toContain('1 records of event files');
    expect(lastCall()).toMatchObject({ params: { tenant: 'lab', run: 'task-12' }, query: { prefix: 'lo' } });
    expect(JSON.parse((await cli.run(['run', 'metrics', 'task-12', '--json'])).out)).toMatchObject({ items: [{ last: 0.123456789 }], losses });
  });

  test('are shown point by point, or in stretches', async () => {
    server.on(readCharts, () => ({ items: [{ ...chart, points: 2, exact: true, steps: [0, 1], at: [0, 1], last: [1, 'NaN' as const] }] }));
    expect((await cli.run(['run', 'metrics', 'task-12', '--name', 'loss'])).out).toMatch(/0 +1970-01-01.+ 1\n1 +1970-01-01.+ NaN/);
    expect(lastCall()).toMatchObject({ query: { run: ['task-12'], name: ['loss'], maxPoints: 100 } });
    server.on(readCharts, () => ({
      items: [{ ...chart, points: 9, exact: false, steps: [4], at: [0], last: [1], min: [-2], max: [3], counts: [9] }],
    }));
    expect((await cli.run(['run', 'metrics', 'task-12', '--name', 'loss'])).out).toMatch(/4 +9 +1 +-2 +3/);
    server.on(readCharts, () => ({ items: [] }));
    expect(await cli.run(['run', 'metrics', 'task-12', '--name', 'x'])).toMatchObject({ exitCode: 1, err: expect.stringContaining('task-12 has no metric x') });
  });

  test('stand beside each other', async () => {
    const summary = { id: id(3), kind: 'task' as const, name: 'count', state: 'succeeded' as const };
    server.on(compareRuns, () => ({
      runs: [
        { ...summary, number: 12 },
        { ...summary, id: id(4), number: 13 },
      ],
      metrics: [{ name: 'loss', values: [{ last: 0.5, lastStep: 1, min: 0, max: 1 }, null] }],
      parameters: [
        { name: 'lr', values: ['0.1', '0.2'], differs: true },
        { name: 'seed', values: ['1', '1'], differs: false },
      ],
      truncated: true,
    }));
    const { out } = await cli.run(['run', 'compare', 'task-12', 'task-13']);
    expect(out).toMatch(/TASK-12 +TASK-13/);
    expect(out).toMatch(/lr \(parameter\) +0\.1 +0\.2\nloss +0\.5 +-/);
    expect(out).not.toContain('seed');
    expect(out).toContain('--metric chooses some');
    expect((await cli.run(['run', 'compare', 'task-12', 'task-13', '--all'])).out).toContain('seed');
    expect((await cli.run(['run', 'compare'])).exitCode).toBe(2);
  });

  test('are columns of lists', async () => {
    const metrics = [{ name: 'loss', last: 'Infinity' as const, min: 0, max: 1 }];
    server.on(listRuns, () => ({ items: [{ ...run, metrics }], ...noMore }));
    expect((await cli.run(['run', 'list', '--metric', 'loss'])).out).toMatch(/LOSS[^]+Infinity/);
    expect(lastCall()).toMatchObject({ query: { metric: ['loss'] } });
  });
});

test('parameters are listed and set', async () => {
  server.on(listParameters, () => ({ items: [] })).on(setParameters, () => ({ items: [{ name: 'lr', value: '0.1' }] }));
  expect((await cli.run(['run', 'params', 'task-12'])).out).toContain('(none)');
  expect((await cli.run(['run', 'params', 'task-12', '--set', 'lr=0.1', '--set', 'note=a=b'])).out).toContain('lr: 0.1');
  expect(lastCall()?.body).toEqual({
    parameters: [
      { name: 'lr', value: '0.1' },
      { name: 'note', value: 'a=b' },
    ],
  });
  expect(await cli.run(['run', 'params', 'task-12', '--set', 'lr'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('is not name=value') });
});
