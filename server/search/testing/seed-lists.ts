import { newId } from '#kit/ids.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** How many of each. A hundred data make a data set, of which runs use some. */
export interface SeedSize {
  readonly data: number;
  readonly runs: number;
}

export interface SeededTenant {
  readonly tenant: TenantId;
  /** The first of twenty, who made one in twenty things; `user-1` and so on by name, with the tenant's id behind it. */
  readonly user: UserId;
}

const USERS = 20;
const DATA_IN_DATASET = 100;

/** Rows for tests and measurements, written by the database itself: a million data take a minute or two. */
export async function seedLists(db: Database, size: SeedSize): Promise<SeededTenant> {
  const tenant = newId<TenantId>();
  await sql`insert into tenants (id, name, display_name, created_at) values (${tenant}, ${`t-${tenant}`}, 'Seeded', now())`.execute(db);
  await sql`insert into users (id, name, display_name, created_at)
    select gen_random_uuid(), 'user-' || n || '-' || ${tenant}::text, 'User ' || n, now() from generate_series(1, ${USERS}::int) n`.execute(db);
  // What each step reads was only just written: without this it is planned, and its foreign keys are checked, as if nearly nothing were there.
  const analyze = () => sql`analyze`.execute(db);
  await seedData(db, tenant, size.data);
  await analyze();
  await seedDatasets(db, tenant);
  await analyze();
  await seedRuns(db, tenant, size.runs);
  await analyze();
  await seedMetrics(db, tenant);
  await analyze();
  const { id } = await db.selectFrom('users').select('id').where('name', '=', `user-1-${tenant}`).executeTakeFirstOrThrow();
  return { tenant, user: id as UserId };
}

/** Numbered without gaps, so that what is asked for can be computed from it. */
const people = (tenant: TenantId) => sql`(select id, split_part(name, '-', 2)::int as nth from users where name like ${`user-%-${tenant}`})`;

/** Made one after the other, a minute apart, the last one now. */
const minutesBefore = (count: number) => sql`date_trunc('minute', now()) - (${count}::int - n) * interval '1 minute'`;

/**
 * Names have a word of ten that is in one tenth of them, and one in a thousand has a rare one; a tag is on one in a
 * hundred, another on every second.
 */
async function seedData(db: Database, tenant: TenantId, count: number): Promise<void> {
  await sql`
    insert into data (tenant_id, id, name, memo, tags, file_count, total_size, created_by, created_at)
    select ${tenant}, gen_random_uuid(),
      (array['camera', 'street', 'digits', 'faces', 'speech', 'maps', 'leaves', 'letters', 'sensor', 'traffic'])[1 + n % 10] || '-' || lpad(n::text, 7, '0')
        || case n % 1000 when 7 then ' aurora' when 8 then ' 夜明けの空' else '' end,
      case when n % 3 = 0 then 'taken in the winter of ' || (2000 + n % 25) else '' end,
      array['tag-' || n % 100] || case when n % 2 = 0 then array['even'] else '{}' end,
      n % 50, (n::bigint * 7919) % 1000000007, people.id, ${minutesBefore(count)}
    from generate_series(1, ${count}::int) n join ${people(tenant)} people on people.nth = 1 + n % ${USERS}`.execute(db);
}

async function seedDatasets(db: Database, tenant: TenantId): Promise<void> {
  await sql`
    with placed as (select id, (row_number() over (order by created_at) - 1) / ${DATA_IN_DATASET}::int as nth from data where tenant_id = ${tenant}),
    made as (
      insert into datasets (tenant_id, id, name, memo, flat, entry_count, created_by, created_at)
      select ${tenant}, gen_random_uuid(), 'set ' || lpad(placed.nth::text, 6, '0'), '', placed.nth % 4 = 0, count(*), people.id, now() - placed.nth * interval '1 hour'
      from placed join ${people(tenant)} people on people.nth = 1 + placed.nth % ${USERS} group by placed.nth, people.id
      returning id, substring(name from 5)::int as nth, flat
    )
    insert into dataset_entries (tenant_id, dataset_id, type, data_id)
    select ${tenant}, made.id, case when made.flat then 'flat' else 'training' end, placed.id from placed join made on made.nth = placed.nth`.execute(db);
}

async function seedRuns(db: Database, tenant: TenantId, count: number): Promise<void> {
  await sql`
    insert into runs (tenant_id, id, kind, number, name, memo, tags, state, favourite, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape, retries,
      created_by, created_at, queued_at, started_at, ended_at, due_at, manifest_at, metrics_read_at, exit_code, failure_class, failure_message, output_value)
    select ${tenant}, gen_random_uuid(), case when n % 4 = 0 then 'task' else 'training' end,
      nextval(case when n % 4 = 0 then 'number_task' else 'number_training' end::regclass),
      (array['baseline', 'larger', 'dropout', 'augmented', 'frozen'])[1 + n % 5] || ' ' || lpad(n::text, 6, '0') || case when n % 500 = 3 then ' aurora' else '' end,
      '', array['tag-' || n % 50], case when n % 10 = 0 then 'failed' when n % 25 = 1 then 'cancelled' else 'succeeded' end, n % 97 = 0,
      '{"command": ["true"], "environment": {}}', '[]', 'host', 1000 + n % 8 * 500, 1000000000, 0, 0, 'shape', '{}',
      people.id, at, at, at + interval '1 second', at + interval '1 second' * (10 + n % 3600), at, at, at,
      case when n % 10 = 0 then 1 else 0 end, case when n % 100 = 0 then 'out-of-memory' when n % 10 = 0 then 'user-error' end, null,
      case when n % 4 = 0 then 'score ' || n % 1000 end
    from generate_series(1, ${count}::int) n join ${people(tenant)} people on people.nth = 1 + n % ${USERS}
      cross join lateral (select ${minutesBefore(count)} as at) times`.execute(db);
  await sql`
    insert into run_datasets (tenant_id, run_id, dataset_id)
    select ${tenant}, r.id, d.id
    from (select id, row_number() over (order by created_at) as nth from runs where tenant_id = ${tenant} and kind = 'training') r
    join (select id, row_number() over (order by created_at) - 1 as nth from datasets where tenant_id = ${tenant}) d
      on d.nth = r.nth % (select greatest(count(*), 1) from datasets where tenant_id = ${tenant})`.execute(db);
  await sql`update datasets set locked_at = now() where tenant_id = ${tenant} and id in (select dataset_id from run_datasets where tenant_id = ${tenant})`.execute(
    db,
  );
}

/** The loss of the n-th run is `n % 1000 / 1000`, its accuracy what is missing to 1. Every tenth run has none. */
async function seedMetrics(db: Database, tenant: TenantId): Promise<void> {
  const numbered = sql`(select id, row_number() over (order by created_at)::int as n from runs where tenant_id = ${tenant})`;
  await sql`insert into metric_runs (tenant_id, run_id, series, points) select ${tenant}, id, 2, 2000 from ${numbered} r where n % 10 <> 9`.execute(db);
  await sql`
    insert into metric_series (tenant_id, run_id, kind, name, origin, tag, points, first_step, last_step, last_value, min_value, min_step, max_value, max_step)
    select ${tenant}, r.id, 'scalar', m.name, 'api', m.name, 1000, 0, 999, m.last, m.last / 2, 0, m.last + 1, 999
    from ${numbered} r cross join lateral (values ('loss', (n % 1000) / 1000.0), ('accuracy', 1 - (n % 1000) / 1000.0)) m (name, last)
    where n % 10 <> 9`.execute(db);
  await sql`
    insert into run_parameters (tenant_id, run_id, name, value, number)
    select ${tenant}, r.id, p.name, p.value, p.number
    from ${numbered} r cross join lateral (values
      ('lr', (array['0.1', '0.01', '1e-3', '0.0001'])[1 + n % 4], (array[0.1, 0.01, 0.001, 0.0001])[1 + n % 4]),
      ('optimizer', (array['adam', 'sgd'])[1 + n % 2], null),
      ('seed', n::text, n)) p (name, value, number)`.execute(db);
}
