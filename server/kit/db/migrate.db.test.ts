import { migrate } from '#kit/db/migrate.ts';
import { openDatabase } from '#kit/db/open-database.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { silentLog } from '#kit/log.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('migrate', () => {
  const database = useTestDatabase();
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sodate-migrate-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const fresh = async () => {
    const name = `fresh_${Math.random().toString(36).slice(2)}`;
    await database().pool.query(`create database ${name}`);
    return openDatabase({ ...database().address, database: name }, silentLog, 4);
  };

  it('applies each migration once, whoever starts at the same time', async () => {
    await writeFile(path.join(folder, '0001-counted.sql'), 'create table counted (n integer); insert into counted values (1);');
    const opened = await fresh();
    await Promise.all([1, 2, 3, 4].map(() => migrate(opened.pool, folder, new Date(), silentLog)));
    expect((await opened.pool.query('select count(*)::int as n from counted')).rows).toEqual([{ n: 1 }]);
    await opened.close();
  });

  it('leaves nothing of a migration that fails, and refuses one that was changed', async () => {
    const opened = await fresh();
    await writeFile(path.join(folder, '0002-broken.sql'), 'create table half_made (n integer); select nonsense;');
    await expect(migrate(opened.pool, folder, new Date(), silentLog)).rejects.toThrow('nonsense');
    expect((await opened.pool.query("select to_regclass('half_made') as t")).rows).toEqual([{ t: null }]);
    await rm(path.join(folder, '0002-broken.sql'));
    await writeFile(path.join(folder, '0001-counted.sql'), 'create table other (n integer);');
    await expect(migrate(opened.pool, folder, new Date(), silentLog)).rejects.toThrow('0001-counted.sql was applied in another form');
    await opened.close();
  });
});
