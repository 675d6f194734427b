import { deleteData, listData } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { exportOpenLineage, getAffected, getLineagePaths } from '@sodate/contract/lineage.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';
import { createSavedSearch, deleteSavedSearch, listSavedSearches, type SavedSearch, updateSavedSearch } from '@sodate/contract/search.ts';
import type { z } from 'zod';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ContractServer, contractServer } from './testing/contract-server.ts';
import { type TestCli, testCli } from './testing/run-in-test.ts';
import { at, data, id, noMore, person, run } from './testing/samples.ts';

let server: ContractServer;
let cli: TestCli;
const saved: z.input<typeof SavedSearch> = {
  ...{ id: id(80), thing: 'run', name: 'good', query: 'metric.loss<0.1', sort: 'metric.loss', columns: ['run', 'state'], shared: false },
  ...{ owner: person, createdAt: at, updatedAt: at },
};

beforeEach(async () => {
  server = await contractServer();
  cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'secret', SODATE_TENANT: 'lab' });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await cli[Symbol.asyncDispose]();
});
const lastCall = () => server.calls.at(-1);

describe('lists', () => {
  test('are searched, sorted, and shown in the columns asked for', async () => {
    server.on(listData, () => ({ items: [data], ...noMore }));
    const { exitCode, out } = await cli.run(['data', 'list', '--search', 'tag:new -name:test', '--sort=-size', '--columns', 'name,number']);
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/^NAME +NUMBER\ncats +3\n$/)]);
    expect(lastCall()?.query).toMatchObject({ search: 'tag:new -name:test', sort: '-size' });
    expect(await cli.run(['data', 'list', '--columns', 'colour'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('Known: number, name, tags') });
  });

  test('take a saved search, and what is given beside it', async () => {
    server
      .on(listSavedSearches, () => ({ items: [{ ...saved, id: id(81), query: 'theirs', shared: true }, saved], ...noMore }))
      .on(listRuns, () => ({ items: [run], ...noMore }));
    const { out } = await cli.run(['training', 'list', '--saved', 'good', '--search', 'tag:v1']);
    expect(out).toMatch(/^RUN +STATE\ntask-12 +running\n$/);
    expect(lastCall()?.query).toMatchObject({ kind: ['training'], search: 'metric.loss<0.1 tag:v1', sort: 'metric.loss' });
    await cli.run(['run', 'list', '--saved', 'good', '--sort', 'name']);
    expect(lastCall()?.query).toMatchObject({ sort: 'name' });
    server.on(listSavedSearches, () => ({ items: [{ ...saved, columns: ['name', 'started', 'metric.loss', 'by'] }], ...noMore }));
    expect((await cli.run(['run', 'list', '--saved', 'good'])).out, 'what only the web UI can show is left out').toMatch(/^NAME +BY\n/);
    server.on(listSavedSearches, () => ({ items: [], ...noMore }));
    expect(await cli.run(['run', 'list', '--saved', 'bad'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('no saved search bad') });
  });

  test('pass on what the server does not understand', async () => {
    server.on(listData, () => {
      throw new SodateError('search-not-understood', { at: 3, near: 'x:', problem: 'there is no field x here.' });
    });
    expect(await cli.run(['data', 'list', '--search', 'a x:1'])).toMatchObject({ exitCode: 1, err: expect.stringContaining('at character 3') });
  });
});

test('searches are saved, replaced, listed and removed', async () => {
  server
    .on(listSavedSearches, () => ({ items: [], ...noMore }))
    .on(createSavedSearch, () => saved)
    .on(updateSavedSearch, () => saved)
    .on(deleteSavedSearch, () => undefined);
  expect(await cli.run(['search', 'save', 'run', 'good', 'metric.loss<0.1', '--sort=-created', '--columns', 'run, name', '--shared'])).toMatchObject({
    exitCode: 0,
  });
  expect(lastCall()).toMatchObject({
    route: 'searches.create',
    body: { thing: 'run', name: 'good', sort: '-created', columns: ['run', 'name'], shared: true },
  });
  server.on(listSavedSearches, () => ({ items: [saved], ...noMore }));
  await cli.run(['search', 'save', 'run', 'good', 'state:failed']);
  expect(lastCall()).toMatchObject({ route: 'searches.update', params: { search: saved.id }, body: { query: 'state:failed', sort: null } });
  expect((await cli.run(['search', 'list'])).out).toContain('metric.loss<0.1');
  await cli.run(['search', 'remove', 'run', 'good']);
  expect(lastCall()).toMatchObject({ route: 'searches.delete', params: { search: saved.id } });
  expect(await cli.run(['search', 'save', 'users', 'x', 'y'])).toMatchObject({ exitCode: 2 });
});

describe('lineage', () => {
  const standing = [{ kind: 'dataset', id: id(82), reference: '#3', name: 'dig\u001bits' }];

  test('tells what deleting would touch', async () => {
    server.on(getAffected, () => ({
      deletable: false,
      blockedBy: { items: standing, total: { count: 12, exact: true } },
      leaves: { items: standing, total: { count: 1, exact: true } },
      descendants: { counts: { data: 1, dataset: 2_000, run: 0, commit: 0 }, exact: false, items: [] },
    }));
    const { out } = await cli.run(['lineage', 'affected', 'data', '3']);
    expect(out).toBe(
      'It cannot be deleted while these stand on it:\n  data set #3 dig its\n  and 11 more\nIt would leave these data sets:\n  data set #3 dig its\nCame from it, near or far: 1 data, 2,000 data sets, and more.\n',
    );
  });

  test('shows the way from one thing to another', async () => {
    const node = (kind: 'data' | 'run', label: string) => ({ kind, id: label, label, deleted: false });
    server.on(getLineagePaths, () => ({
      nodes: [node('data', '#3 cats'), node('run', 'training-1 a')],
      edges: [],
      shortest: [
        { kind: 'data' as const, id: '#3 cats' },
        { kind: 'run' as const, id: 'training-1 a' },
      ],
      truncated: false,
    }));
    expect((await cli.run(['lineage', 'paths', 'data', '3', 'run', 'training-1'])).out).toContain('data #3 cats\n→ run training-1 a\n');
    expect(lastCall()?.query).toEqual({ toKind: 'run', toId: 'training-1' });
  });

  test('exports lines as they come', async () => {
    server.on(exportOpenLineage, ({ response }) => void response.end('{"a":1}\n{"a":2}\n'));
    expect((await cli.run(['lineage', 'export', '--since', '2026-01-31', '--run', 'task-1'])).out).toBe('{"a":1}\n{"a":2}\n');
    expect(lastCall()?.query).toEqual({ since: '2026-01-31T00:00:00.000Z', run: 'task-1' });
    expect(await cli.run(['lineage', 'export', '--since', 'soon'])).toMatchObject({ exitCode: 2 });
  });

  test('refuses with what stands in the way', async () => {
    server.on(deleteData, () => {
      throw new SodateError('in-use', { thing: 'Data', reference: '#3', users: 'data set #3', total: 1 }, { things: standing });
    });
    expect(await cli.run(['data', 'delete', '3'])).toMatchObject({ exitCode: 1, err: expect.stringContaining('in use by data set #3') });
  });
});
