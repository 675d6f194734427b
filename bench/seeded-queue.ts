import type { Executor } from '../server/executors/executor.ts';
import { makeExecutorRegistry } from '../server/executors/executor-registry.ts';
import { systemClock } from '../server/kit/clock.ts';
import { migrate } from '../server/kit/db/migrate.ts';
import { type DatabaseAddress, openDatabase } from '../server/kit/db/open-database.ts';
import { newId } from '../server/kit/ids.ts';
import { silentLog } from '../server/kit/log.ts';
import { ENGINE_LIMITS } from '../server/runs/engine-parts.ts';
import { makeLogFollowers } from '../server/runs/follow-logs.ts';
import { makeScheduleRuns } from '../server/runs/schedule-runs.ts';
import { randomUUID } from 'node:crypto';
import path from 'node:path';

const TENANTS = 10;
const PLACES = 16;

export interface Queue {
  /** Places as many as fit, so that nothing is free any more. */
  fill(): Promise<void>;
  /** Puts what was placed back into the queue, so that the next pass has places to give and the queue stays as long. */
  freePlaces(): Promise<void>;
  pass(): Promise<void>;
  close(): Promise<void>;
}

/** A database of its own with a queue written by SQL: ten tenants, `groups` kinds of request, one machine with room for 16. */
export async function openQueue(server: DatabaseAddress, waiting: number, groups: number): Promise<Queue> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const maintenance = openDatabase(server, silentLog, 1);
  await maintenance.pool.query(`create database ${name}`);
  await maintenance.close();
  const { db, pool, close } = openDatabase({ ...server, database: name }, silentLog);
  await migrate(pool, path.join(import.meta.dirname, '../server/migrations'), systemClock.now(), silentLog);

  const user = newId<string>();
  const node = newId<string>();
  await pool.query(`insert into users (id, name, display_name, created_at) values ($1, 'bench', 'Bench', now())`, [user]);
  await pool.query(
    `insert into tenants (id, name, display_name, created_at) select gen_random_uuid(), 'tenant-' || n, 'Tenant', now() from generate_series(1, $1) n`,
    [TENANTS],
  );
  await pool.query(`insert into nodes (id, name, cpu_milli, memory_bytes, seen_at) values ($1, 'machine', $2, 1e15::bigint, now())`, [node, PLACES * 1000]);
  await pool.query(`insert into node_executors (node_id, executor, isolation, images, seen_at) values ($1, 'local', 'sandbox', '["host"]', now())`, [node]);
  await pool.query(
    `insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape, retries, created_by, created_at, queued_at, due_at)
     select t.id, gen_random_uuid(), 'task', n, 'waits', '', '{}', 'queued', '{}', '[]', 'host', 1000, 1000000 + g, 0, 0, '1000m ' || (1000000 + g) || 'B 0g host', '{}', $1,
       now() - interval '1 minute', now() - interval '1 minute' + n * interval '1 microsecond', now() - interval '1 minute'
     from generate_series(1, $2::int) n cross join lateral (select n % $3::int as g) shape
     join (select id, row_number() over (order by number) - 1 as nth from tenants) t on t.nth = (n % $3::int) % $4`,
    [user, waiting, groups, TENANTS],
  );
  await pool.query('vacuum analyze');

  const executor = { id: 'local', capabilities: { images: ['host'] } } as unknown as Executor;
  const schedule = makeScheduleRuns(
    {
      db,
      clock: systemClock,
      log: silentLog,
      server: randomUUID(),
      executors: makeExecutorRegistry([executor]),
      kinds: [],
      changes: { publish: () => {} },
      folders: { run: () => '', output: () => '', attach: () => '', logFile: () => '' },
      attemptToken: () => '',
      serverUrl: () => '',
      registryCredential: async () => null,
      logFollowers: makeLogFollowers({ clock: systemClock, log: silentLog }),
      version: 'bench',
      limits: ENGINE_LIMITS,
    },
    // Nothing is launched here.
    { room: () => 0, take: () => {}, hintPlaced: () => {} },
  );
  return {
    async fill() {
      while ((await schedule()) === 'again' && (await held()) < PLACES);
    },
    async freePlaces() {
      await pool.query(`update attempts set released_at = now() where released_at is null`);
      await pool.query(`update runs set state = 'queued', attempt_id = null where state = 'starting'`);
    },
    pass: async () => void (await schedule()),
    close,
  };

  async function held(): Promise<number> {
    const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from attempts where released_at is null');
    return rows[0]?.n ?? 0;
  }
}
