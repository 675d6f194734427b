import { spawn, spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PostgresIdentity } from './choose-identity.ts';
import { type Owner, startOwner } from './crash-rounds.ts';
import { copyNative, findNative } from './find-binaries.ts';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type PostgresEvent,
  describeEmbeddedPostgres,
  startEmbeddedPostgres,
  stopEmbeddedPostgres,
} from './postgres.ts';
import { waitUntil } from './postgres-timing.ts';
import { endAtOnce, processesIn, readProcess } from './read-process.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let base = '';
let folder = '';
let owners: Owner[] = [];
let started: EmbeddedPostgres[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'sodate-pg-'));
  folder = join(base, 'postgres');
});

afterEach(async () => {
  for (const owner of owners) await owner.kill('SIGKILL');
  for (const database of started) await database.release();
  [owners, started] = [[], []];
  await stopEmbeddedPostgres(folder, silent);
  const left = processesIn(join(folder, 'data')) ?? [];
  await rm(base, { recursive: true, force: true });
  expect(left).toEqual([]);
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ folder, log: silent, ...options });
  started.push(database);
  return database;
}

async function query(database: EmbeddedPostgres, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function own(options: Parameters<typeof startOwner>[1] = {}): Owner {
  const owner = startOwner(folder, options);
  owners.push(owner);
  return owner;
}

describe('starting and stopping', () => {
  test('initialises, is adopted by a second start, stops, and starts again with its rows', async () => {
    expect((await describeEmbeddedPostgres(folder)).state).toBe('not-initialised');
    const first = await start();
    expect(first.how).toBe('initialised');
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS number');
    const second = await start();
    expect([second.how, second.pid()]).toEqual(['adopted', first.pid()]);
    expect(await describeEmbeddedPostgres(folder)).toMatchObject({ state: 'running', pid: first.pid(), majorVersion: '18' });
    await second.release();
    await first.stop();
    expect((await describeEmbeddedPostgres(folder)).state).toBe('stopped');
    const third = await start();
    expect(third.how).toBe('started');
    expect(await query(third, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  test('is durable, listens on its socket only, asks for the password, and gives no superuser', async () => {
    const database = await start();
    expect(
      await query(database, `SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes') AS durable`),
    ).toEqual([{ durable: 'ononon' }]);
    expect(
      await query(
        database,
        `SELECT current_setting('listen_addresses') AS listens, current_setting('is_superuser') AS superuser, current_setting('TimeZone') AS zone`,
      ),
    ).toEqual([{ listens: '', superuser: 'off', zone: 'UTC' }]);
    expect(await query(database, `SELECT datlocprovider::text AS provider, datlocale AS locale FROM pg_database WHERE datname = current_database()`)).toEqual([
      { provider: 'b', locale: 'C.UTF-8' },
    ]);
    expect(await query(database, `SELECT substring('データ' from 2 for 1) AS letter, upper('é') AS big`)).toEqual([{ letter: 'ー', big: 'É' }]);
    await query(database, 'CREATE EXTENSION pg_trgm');
    const stranger = new Client({ ...database.connection, password: 'wrong' });
    await expect(stranger.connect()).rejects.toMatchObject({ code: '28P01' });
  });

  test('stop ends open connections and waits until the postmaster is gone', async () => {
    const database = await start();
    const client = new Client(database.connection);
    client.on('error', () => undefined);
    await client.connect();
    await client.query('BEGIN');
    await database.stop();
    expect(readProcess(database.pid())).toBeUndefined();
    await expect(client.query('SELECT 1')).rejects.toThrow();
    await expect(readFile(join(folder, 'data', 'postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('stopEmbeddedPostgres ends a postmaster that its owner left, and says when there is none', async () => {
    const owner = own({ mode: 'hold' });
    await owner.line(/^ready /);
    await owner.kill('SIGKILL');
    expect(await stopEmbeddedPostgres(folder, silent)).toBe('stopped');
    expect(await stopEmbeddedPostgres(folder, silent)).toBe('was-not-running');
    expect(await stopEmbeddedPostgres(join(base, 'nowhere'), silent)).toBe('was-not-running');
  });

  test('three starters at once end with one postmaster, one of them having made it', async () => {
    const three = [own({ mode: 'hold' }), own({ mode: 'hold' }), own({ mode: 'hold' })];
    const ready = await Promise.all(three.map((owner) => owner.line(/^ready /)));
    expect(ready.map((line) => line.split(' ')[1]).sort()).toEqual(['adopted', 'adopted', 'initialised']);
    expect(new Set(ready.map((line) => line.split(' ')[2])).size).toBe(1);
    // The same at once again after the database alone died: all supervise, one restarts.
    endAtOnce(Number(ready[0]?.split(' ')[2]));
    await Promise.all(three.map((owner) => owner.line(/^event restarted/)));
    expect((processesIn(join(folder, 'data')) ?? []).filter(({ program }) => program.endsWith('/postgres')).length).toBe(1);
  });

  test('a path too long for a socket gets a short folder for it', async () => {
    folder = join(base, 'a long name, "quoted" with 日本語 '.repeat(4), 'postgres');
    const temporaryFolder = join(base, 't');
    await mkdir(temporaryFolder);
    const database = await start({ temporaryFolder });
    expect(dirname(database.connection.host)).toBe(temporaryFolder);
    const second = await start({ temporaryFolder });
    expect([second.how, second.connection.host]).toEqual(['adopted', database.connection.host]);
    // An owner with another temporary folder finds the socket of the running one.
    const third = await start({ temporaryFolder: base });
    expect([third.how, third.connection.host]).toEqual(['adopted', database.connection.host]);
    await Promise.all([second.release(), third.release()]);
    await database.stop();
  });

  test('a folder name with comma, quote and blank is fine for the socket', async () => {
    folder = join(base, `a, "b" 'c'`);
    const database = await start();
    expect(database.connection.host).toBe(folder);
  });
});

describe('what was left behind', () => {
  async function stoppedOnce(): Promise<void> {
    const database = await start({ settings: { durable: false } });
    await query(database, 'CREATE TABLE kept AS SELECT 7 AS number');
    await database.stop();
  }
  const lockFile = () => join(folder, 'data', 'postmaster.pid');
  const lockOf = (pid: number) => [pid, join(folder, 'data'), 1_700_000_000, 5432, folder, '', '  1234  5', 'ready', ''].join('\n');

  async function expectCleanStart(): Promise<void> {
    const database = await start();
    expect(database.how).toBe('started');
    expect(await query(database, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  }

  test('a lock that names a living process of somebody else', async () => {
    await stoppedOnce();
    await writeFile(lockFile(), lockOf(process.pid));
    await writeFile(join(folder, '.s.PGSQL.5432.lock'), lockOf(process.pid));
    await expectCleanStart();
    expect(readProcess(process.pid)).toBeDefined();
  });

  test('a lock that names a zombie', async ({ skip }) => {
    await stoppedOnce();
    // sleep never waits for the child that the shell it replaced had started
    const parent = spawn('/bin/sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const pid = Number(await new Promise<string>((resolve) => parent.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()))));
      if (!(await waitUntil(() => readProcess(pid) === undefined, 5_000))) skip('the child did not end');
      expect(() => process.kill(pid, 0)).not.toThrow();
      await writeFile(lockFile(), lockOf(pid));
      await expectCleanStart();
    } finally {
      parent.kill('SIGKILL');
    }
  });

  test('a lock file that is empty or broken', async () => {
    await stoppedOnce();
    await writeFile(lockFile(), '');
    await expectCleanStart();
  });

  test('a start lock of a dead process', async () => {
    await stoppedOnce();
    await writeFile(join(folder, 'start-lock', '900'), JSON.stringify({ pid: 2 ** 22 - 3, mark: 'gone' }));
    await expectCleanStart();
  });

  test('a postmaster that lives but does not answer is replaced', async () => {
    await stoppedOnce();
    const owner = own({ mode: 'hold' });
    const pid = Number((await owner.line(/^ready /)).split(' ')[2]);
    await owner.kill('SIGKILL');
    process.kill(pid, 'SIGSTOP');
    const database = await start({ timing: { adoptWithinMilliseconds: 300, fastStopWithinMilliseconds: 300, immediateStopWithinMilliseconds: 2_000 } });
    expect(database.how).toBe('started');
    expect(database.pid()).not.toBe(pid);
    expect(await query(database, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  test.each(['the owner alone', 'everything'])('an initialisation that was killed half-way: %s', async (what) => {
    const owner = own({ mode: 'hold' });
    const drafts = async () => (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('initialising-'));
    const begun = async () => {
      const [draft] = await drafts();
      return draft !== undefined && (await readdir(join(folder, draft)).catch(() => [] as string[])).includes('PG_VERSION');
    };
    expect(await waitUntil(begun, 30_000)).toBe(true);
    const [draft] = await drafts();
    if (draft === undefined) throw new Error('It was finished before it could be killed');
    if (what === 'everything') for (const { pid } of processesMentioning(draft)) endAtOnce(pid);
    await owner.kill('SIGKILL');
    const database = await start();
    expect(database.how).toBe('initialised');
    expect(await query(database, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await drafts()).toEqual([]);
    expect(await waitUntil(() => processesMentioning(draft).length === 0, 5_000)).toBe(true);
  });

  function processesMentioning(text: string) {
    const listed = spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).stdout.split('\n');
    return listed.filter((line) => line.includes(text)).flatMap((line) => readProcess(Number.parseInt(line, 10)) ?? []);
  }
});

describe('supervision', () => {
  test('gives up after bounded attempts and reports why', async () => {
    const events: PostgresEvent[] = [];
    const database = await start({ onEvent: (event) => events.push(event), timing: { restartDelaysMilliseconds: [0, 10], watchEveryMilliseconds: 10 } });
    const control = join(folder, 'data', 'global', 'pg_control');
    await rename(control, `${control}.away`);
    endAtOnce(database.pid());
    expect(await waitUntil(() => events.some(({ kind }) => kind === 'gave-up'), 30_000)).toBe(true);
    expect(events.map(({ kind }) => kind)).toEqual(['died', 'gave-up']);
    expect(events[1]).toMatchObject({ error: { code: 'cannot-start', message: expect.stringContaining('pg_control') } });
    await rename(`${control}.away`, control);
    const again = await start();
    expect(again.how).toBe('started');
  });

  test('does not start again what was stopped on purpose', async () => {
    const events: PostgresEvent[] = [];
    const database = await start({ onEvent: (event) => events.push(event), timing: { watchEveryMilliseconds: 5 } });
    await database.stop();
    expect(events).toEqual([]);
    expect((await describeEmbeddedPostgres(folder)).state).toBe('stopped');
  });
});

describe('errors say what to do', () => {
  test('no package for this machine', async () => {
    await expect(start({ host: { platform: 'linux', cpu: 'riscv64' } })).rejects.toMatchObject({
      code: 'platform-not-supported',
      message: expect.stringContaining('DATABASE_URL'),
    });
  });

  test('a database of another major version', async () => {
    const database = await start({ settings: { durable: false } });
    await database.stop();
    await writeFile(join(folder, 'data', 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toMatchObject({ code: 'other-version', message: expect.stringContaining('PostgreSQL 17') });
    expect(await readFile(join(folder, 'data', 'PG_VERSION'), 'utf8')).toBe('17\n');
  });

  test('a data folder that is somebody else’s', async () => {
    await mkdir(join(folder, 'data'), { recursive: true });
    await writeFile(join(folder, 'data', 'thesis.txt'), 'mine');
    await expect(start()).rejects.toMatchObject({ code: 'not-our-folder' });
    expect(await readFile(join(folder, 'data', 'thesis.txt'), 'utf8')).toBe('mine');
  });

  test('a folder that is a file', async () => {
    await writeFile(folder, '');
    await expect(start()).rejects.toMatchObject({ code: 'EEXIST' });
    await rm(folder);
  });
});

describe('as whom it runs', () => {
  const script = fileURLToPath(new URL('crash-owner.ts', import.meta.url));
  const readableByNobody =
    isRoot && spawnSync('/bin/sh', ['-c', 'test -r "$0" && test -x "$1"', script, process.execPath], { uid: NOBODY, gid: NOBODY }).status === 0;

  test('an ordinary user', async ({ skip }) => {
    if (!isRoot) skip('only root can become another user; every other test runs as an ordinary user already');
    if (!readableByNobody) skip('the checkout or node is in a folder that other users cannot enter');
    await chmod(base, 0o755);
    folder = join(base, 'home of nobody', 'postgres');
    await mkdir(dirname(folder));
    await chown(dirname(folder), NOBODY, NOBODY);
    const first = own({ mode: 'hold', uid: NOBODY });
    const pid = (await first.line(/^ready initialised/)).split(' ')[2];
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+65534\s+65534/m);
    await first.kill('SIGKILL');
    const second = own({ mode: 'hold', uid: NOBODY });
    expect(await second.line(/^ready /)).toBe(`ready adopted ${pid}`);
    for (const { pid: each } of processesIn(join(folder, 'data')) ?? []) endAtOnce(each);
    await second.kill('SIGKILL');
    const third = own({ mode: 'hold', uid: NOBODY });
    await third.line(/^ready started/);
  });

  const ways: readonly {
    readonly name: string;
    readonly parentMode: number;
    readonly allows: (identity: PostgresIdentity) => boolean;
    readonly sees: RegExp;
  }[] = [
    {
      name: 'root in a user namespace, below a folder that only root can enter',
      parentMode: 0o700,
      allows: ({ kind }) => kind === 'user-namespace',
      sees: /^Uid:\s+0\s/m,
    },
    { name: 'root without user namespaces: nobody', parentMode: 0o755, allows: ({ kind }) => kind === 'other-user', sees: /^CapEff:\s+0+$/m },
    {
      name: 'root without user namespaces, below a folder that only root can enter',
      parentMode: 0o700,
      allows: ({ kind }) => kind === 'other-user',
      sees: /^CapEff:\s+0+2$/m,
    },
  ];
  test.for(ways)('$name', async ({ parentMode, allows, sees }, { skip }) => {
    if (!isRoot) skip('only root has to become somebody else');
    await chmod(base, parentMode);
    const first = await start({ allowsIdentity: allows });
    expect(first.how).toBe('initialised');
    expect(await readFile(`/proc/${first.pid()}/status`, 'utf8')).toMatch(sees);
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS number');
    const adopter = await start({ allowsIdentity: allows });
    expect(adopter.how).toBe('adopted');
    await adopter.release();
    for (const { pid } of processesIn(join(folder, 'data')) ?? []) endAtOnce(pid);
    await first.release();
    const second = await start({ allowsIdentity: allows });
    expect(second.how).toBe('started');
    expect(await query(second, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  test('a database made as nobody still starts where user namespaces are allowed, and the other way round', async ({ skip }) => {
    if (!isRoot) skip('only root has several ways');
    await chmod(base, 0o755);
    for (const kind of ['user-namespace', 'other-user', undefined, 'other-user'] as const) {
      const database = await start({ settings: { durable: false }, allowsIdentity: (identity) => kind === undefined || identity.kind === kind });
      await query(database, 'SELECT 1');
      await database.stop();
    }
  });

  test('no way at all is said with what was tried', async () => {
    await expect(start({ allowsIdentity: () => false })).rejects.toMatchObject({ code: 'cannot-run' });
  });

  test('a copy of the binaries runs, and a copy cut off half-way is not used', async () => {
    const native = findNative({ platform: process.platform, cpu: process.arch });
    await mkdir(join(folder, 'binaries-0.partial-1', 'native'), { recursive: true });
    const copy = await copyNative(native, folder);
    expect((await readdir(folder)).length).toBe(1);
    expect(spawnSync(join(copy, 'bin', 'initdb'), ['--version'], { env: {}, encoding: 'utf8' }).stdout).toMatch(/PostgreSQL\) 18/);
    expect(await copyNative(native, folder)).toBe(copy);
  });
});
