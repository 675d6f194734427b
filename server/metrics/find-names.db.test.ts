import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { findNames } from '#metrics/find-names.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';

const database = useTestDatabase();
const here = { tenant: '' as TenantId, run: '' };

async function addRun(inTenant?: TenantId): Promise<typeof here> {
  const { db } = database();
  const [tenant, user, run] = [inTenant ?? newId<TenantId>(), newId<string>(), newId<string>()];
  const at = new Date(0);
  if (inTenant === undefined) await db.insertInto('tenants').values({ id: tenant, name: tenant, display_name: tenant, created_at: at }).execute();
  await db.insertInto('users').values({ id: user, name: user, display_name: user, created_at: at }).execute();
  await sql`
    insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape, retries,
      created_by, created_at, queued_at, due_at)
    values (${tenant}, ${run}, 'task', nextval('number_task'), 'r', '', '{}', 'succeeded', '{}', '[]', 'host', 1000, 1000000, 0, 0, '', '{}', ${user}, ${at}, ${at}, ${at})`.execute(
    db,
  );
  await sql`insert into metric_runs (tenant_id, run_id) values (${tenant}, ${run})`.execute(db);
  return { tenant, run };
}

const addMetrics = (at: typeof here, names: readonly string[], kind = 'scalar') =>
  sql`insert into metric_series (tenant_id, run_id, kind, origin, tag, name) select ${at.tenant}, ${at.run}, ${kind}, 'api', name, name
    from unnest(${names}::text[]) as name`.execute(database().db);
const addParameters = (at: typeof here, names: readonly string[]) =>
  sql`insert into run_parameters (tenant_id, run_id, name, value) select ${at.tenant}, ${at.run}, name, '1' from unnest(${names}::text[]) as name`.execute(
    database().db,
  );
const found = (kind: 'metric' | 'parameter', text: string, limit = 50) => findNames(database().db, here.tenant, { kind, text, limit });

beforeEach(async () => {
  Object.assign(here, await addRun());
});

describe('names of metrics and parameters', () => {
  it('are those that begin with the text, then those that contain it in any case', async () => {
    await addMetrics(here, ['loss', 'loss/train', 'Val-Loss', 'accuracy', 'val/loss']);
    expect(await found('metric', 'loss')).toEqual({ names: ['loss', 'loss/train', 'Val-Loss', 'val/loss'], more: false });
    expect(await found('metric', 'LOSS')).toMatchObject({ names: expect.arrayContaining(['loss', 'Val-Loss']) });
    expect((await found('metric', '')).names).toHaveLength(5);
    expect(await found('metric', 'nothing')).toEqual({ names: [], more: false });
    expect(await found('metric', '100%_')).toEqual({ names: [], more: false });
  });

  it('are each named once, however many runs have them, and of scalars only', async () => {
    const other = await addRun(here.tenant);
    for (const at of [here, other]) {
      await addMetrics(at, ['loss']);
      await addParameters(at, ['lr', 'layers']);
    }
    await addMetrics(here, ['weights'], 'histogram');
    expect(await found('metric', '')).toEqual({ names: ['loss'], more: false });
    expect(await found('parameter', '')).toEqual({ names: ['layers', 'lr'], more: false });
    expect(await found('parameter', 'r')).toEqual({ names: ['layers', 'lr'], more: false });
  });

  it('of other tenants are not found', async () => {
    const other = await addRun();
    await addMetrics(other, ['secret']);
    await addParameters(other, ['secret']);
    expect((await found('metric', 'sec')).names).toEqual([]);
    expect((await found('parameter', '')).names).toEqual([]);
  });

  it('are as many as were asked for, and it is said that there are more', async () => {
    await addMetrics(here, ['a/1', 'a/2', 'a/3', 'b/a/']);
    expect(await found('metric', 'a/', 2)).toEqual({ names: ['a/1', 'a/2'], more: true });
    expect(await found('metric', 'a/', 3)).toEqual({ names: ['a/1', 'a/2', 'a/3'], more: true });
    expect(await found('metric', 'a/', 4)).toEqual({ names: ['a/1', 'a/2', 'a/3', 'b/a/'], more: false });
  });

  it('of very many are looked at up to a bound: those that begin with the text are found wherever they are', async () => {
    const names = Array.from({ length: 9_000 }, (_, index) => `layer/${String(index).padStart(5, '0')}`);
    await addMetrics(here, [...names, 'zulu/loss']);
    await sql`analyze metric_series`.execute(database().db);
    expect(await found('metric', 'zulu')).toEqual({ names: ['zulu/loss'], more: true });
    expect(await found('metric', 'layer/088', 3)).toMatchObject({ names: ['layer/08800', 'layer/08801', 'layer/08802'], more: true });
    expect(await found('metric', '01999')).toMatchObject({ names: ['layer/01999'], more: true });
    const { rows } = await sql<{ 'QUERY PLAN': unknown }>`explain (format json)
      select name from metric_series where tenant_id = ${here.tenant} and kind = 'scalar' and name > 'layer/08' order by name limit 1`.execute(database().db);
    expect(JSON.stringify(rows)).toContain('metric_series_last');
  });
});
