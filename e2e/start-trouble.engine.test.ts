import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { kill, processesOf } from './home-processes.ts';
import { type Program, makeProgram } from './program.ts';
import { makeTenant, runTask } from './run-task.ts';
import { isHealthy, makeTestHome, signInAsAdmin, type StartChoice, type TestHome, untilReady } from './test-home.ts';
import { until } from './until.ts';

/** Whole servers are started, several times a test: seconds on an idle machine, a minute on a loaded one. */
vi.setConfig({ testTimeout: 300_000 });

const held: { program: Program | null } = { program: null };
const programFile = (): string => held.program?.file ?? '';
beforeAll(async () => {
  held.program = await makeProgram();
});
afterAll(async () => {
  await held.program?.remove();
});

async function useHome(environment: Readonly<Record<string, string>> = {}): Promise<TestHome> {
  const home = await makeTestHome(programFile(), { environment });
  onTestFinished(() => home.remove());
  return home;
}

/** Ends with code 1 and one clear text for people. */
async function expectRefused(home: TestHome, command: readonly string[], text: RegExp, choice?: StartChoice): Promise<string> {
  const { code, stderr } = await home.run(command, choice);
  expect(stderr).toMatch(text);
  expect(stderr).toMatch(/^error: /m);
  expect(stderr, 'a stack is for developers').not.toMatch(/^\s+at .+:\d+/m);
  expect(code).toBe(1);
  return stderr;
}

describe('two servers on one home', () => {
  it('refuses the second with a clear text, and the first goes on unharmed', async () => {
    const home = await useHome();
    const first = await home.up();
    const client = await signInAsAdmin(first.url);
    for (const command of [['up'], ['up', '--detach'], ['up', '--port', '0']]) {
      await expectRefused(home, command, new RegExp(`already runs on the home ${home.folder} at ${first.url} \\(process ${first.pid}\\).*sodate down`));
    }
    // Even when the note of the first one is gone, the database knows.
    await rm(path.join(home.folder, 'server.json'));
    await expectRefused(home, ['up'], /already runs on the home/);
    expect(await isHealthy(first.url)).toBe(true);
    expect((await client.exchange({ method: 'GET', path: '/v1/me', repeatable: false })).status).toBe(200);
    kill(first.pid, 'SIGTERM');
    expect((await first.ended).code).toBe(0);
    expect(await processesOf(home.folder)).toEqual([]);
  });

  it('lets one of three that start at the same moment on a new home win', async () => {
    const home = await useHome();
    const three = [home.begin(['up']), home.begin(['up']), home.begin(['up'])];
    const outcomes = await Promise.all(
      three.map(async (server) => {
        const looked = new AbortController();
        const ready = async (): Promise<'ready'> => {
          while (!server.stdout().includes('Sodate is ready at ')) {
            if (looked.signal.aborted) return new Promise(() => {});
            await new Promise((resolve) => setTimeout(resolve, 25));
          }
          return 'ready';
        };
        const outcome = await Promise.race([server.ended, ready()]);
        looked.abort();
        return outcome;
      }),
    );
    const losers = outcomes.filter((outcome) => outcome !== 'ready');
    expect(losers.map(({ code }) => code)).toEqual([1, 1]);
    for (const { stderr } of losers) expect(stderr).toMatch(/already runs on the home/);
    const winner = three[outcomes.indexOf('ready')];
    const record = await home.serverRecord();
    expect(record?.pid).toBe(winner?.pid);
    await signInAsAdmin(record?.url ?? '');
    expect(await home.run(['down'])).toMatchObject({ code: 0 });
    expect(await processesOf(home.folder)).toEqual([]);
  });
});

describe('a port', () => {
  it('that is taken is named, and nothing is left running', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => taken.close(() => resolve())));
    const { port } = taken.address() as AddressInfo;
    const home = await useHome();
    await expectRefused(home, ['up', '--port', String(port)], new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken by another program.*--port`));
    expect(await processesOf(home.folder)).toEqual([]);
    expect(await home.serverRecord()).toBeNull();
    const doctor = await home.run(['doctor', '--json', '--port', String(port)]);
    expect(doctor.code).toBe(1);
    expect(JSON.parse(doctor.stdout).findings).toContainEqual(expect.objectContaining({ about: 'port', verdict: 'bad' }));
    // The same home starts on another.
    const server = await home.up();
    expect(await isHealthy(server.url)).toBe(true);
  });

  it('that is no port, and an address that is not of this machine, are refused by name', async () => {
    const home = await useHome();
    await expectRefused(home, ['up', '--port', '70000'], /SODATE_PORT/);
    await expectRefused(home, ['up', '--port', 'seven'], /SODATE_PORT/);
    await expectRefused(home, ['up', '--host', '192.0.2.1'], /192\.0\.2\.1 is not an address of this machine.*SODATE_HOST/);
    expect(await processesOf(home.folder)).toEqual([]);
  });
});

describe('the embedded database', () => {
  it('that dies while it starts ends the start, with the reason', async () => {
    const home = await useHome();
    const first = await home.up();
    kill(first.pid, 'SIGTERM');
    await first.ended;
    const dead = { pid: 0 };
    let given = 0;
    // The sooner the better: what was wrong once showed itself in the first milliseconds.
    for (let round = 0; round < 5; round += 1) {
      const server = home.begin(['up']);
      dead.pid = await until('the database begins', async () => {
        const pid = Number((await readFile(path.join(home.folder, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
        return pid > 0 && pid !== dead.pid ? pid : null;
      });
      kill(dead.pid, 'SIGKILL');
      const outcome = await Promise.race([server.ended, untilReady(server).catch(() => server.ended)]);
      if (typeof outcome !== 'string') {
        given += 1;
        // One that had just answered when it died breaks off a connection.
        expect(outcome.stderr).toMatch(/^error: (PostgreSQL could not be started|The database broke off while Sodate was starting)/m);
        expect(outcome.stderr, 'a stack is for developers').not.toMatch(/^\s+at .+:\d+/m);
        expect(outcome.code).toBe(1);
        continue;
      }
      kill(server.pid, 'SIGTERM');
      expect((await server.ended).code).toBe(0);
      dead.pid = 0;
    }
    expect(given).toBeGreaterThan(0);
  });
});

describe('DATABASE_URL', () => {
  const SECRET = 'do-not-show-this';
  const expectDatabaseRefused = async (url: string, text: RegExp): Promise<void> => {
    const home = await useHome({ DATABASE_URL: url });
    const said = await expectRefused(home, ['up'], text);
    expect(said).not.toContain(SECRET);
    expect(await readdir(home.folder), 'no database of our own was begun').not.toContain('postgres');
    expect(await processesOf(home.folder)).toEqual([]);
  };

  it('where nothing listens', async () => {
    await expectDatabaseRefused(
      `postgres://sodate:${SECRET}@127.0.0.1:1/sodate`,
      /database of DATABASE_URL does not answer: .*ECONNREFUSED.*unset DATABASE_URL/,
    );
  });

  it('where something listens that never says a word', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    await expectDatabaseRefused(
      `postgres://sodate:${SECRET}@127.0.0.1:${(silent.address() as AddressInfo).port}/sodate`,
      /database of DATABASE_URL does not answer/,
    );
  });

  it('of an unknown host', async () => {
    await expectDatabaseRefused(`postgres://sodate:${SECRET}@no-such-host.invalid/sodate`, /database of DATABASE_URL does not answer.*no-such-host\.invalid/);
  });

  it('of another kind of database, or no address at all', async () => {
    await expectDatabaseRefused(`mysql://sodate:${SECRET}@127.0.0.1/sodate`, /DATABASE_URL.*postgres(ql)?:\/\//);
    await expectDatabaseRefused(`just ${SECRET}`, /DATABASE_URL.*postgres(ql)?:\/\//);
  });
});

describe('a home', () => {
  const NOBODY = 65_534;
  const notRoot = process.getuid?.() !== 0;

  it.skipIf(notRoot)(`that belongs to another user${notRoot ? ' (skipped: only root can start a server as another user)' : ''}`, async () => {
    const home = await useHome();
    await chmod(home.folder, 0o700);
    await expectRefused(home, ['up'], new RegExp(`${home.folder}.*(cannot be written|not allowed).*SODATE_HOME`, 's'), { uid: NOBODY });
    await expectRefused(home, ['up', '--detach'], new RegExp(`${home.folder}.*(cannot be written|not allowed).*SODATE_HOME`, 's'), { uid: NOBODY });
    expect(await readdir(home.folder)).toEqual([]);
    // One that can be looked into but not written to.
    await chmod(home.folder, 0o755);
    await expectRefused(home, ['up'], /SODATE_HOME/, { uid: NOBODY });
    const doctor = await home.run(['doctor', '--json'], { uid: NOBODY });
    expect(JSON.parse(doctor.stdout).findings).toContainEqual(expect.objectContaining({ about: 'home', verdict: 'bad' }));
    expect(doctor.code).toBe(1);
  });

  it('that is a file, or below one', async () => {
    const home = await useHome();
    const file = path.join(home.folder, 'file');
    await writeFile(file, '');
    await expectRefused(home, ['up'], new RegExp(`${file}.*SODATE_HOME`, 's'), { environment: { SODATE_HOME: file } });
    await expectRefused(home, ['up'], new RegExp(`${file}.*SODATE_HOME`, 's'), { environment: { SODATE_HOME: path.join(file, 'below') } });
    await expectRefused(home, ['up'], /SODATE_HOME/, { environment: { SODATE_HOME: 'relative/home' } });
    expect((await stat(file)).size).toBe(0);
  });

  it.skipIf(notRoot)(
    `of an ordinary user runs everything as that user${notRoot ? ' (skipped: only root can start a server as another user)' : ''}`,
    async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'sodate-nobody-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      await chown(folder, NOBODY, NOBODY);
      const home = await makeTestHome(programFile(), { folder: path.join(folder, 'home') });
      onTestFinished(() => home.remove());
      const server = await home.up({ uid: NOBODY, environment: { HOME: folder } });
      const client = await signInAsAdmin(server.url);
      await makeTenant(client);
      const done = await runTask(client, 'id -u; echo "$SAKURA_TASK_ID" >"$SAKURA_ARTIFACT_DIR/id"; exit 3');
      expect(done).toMatchObject({ state: 'failed', exitCode: 3, failure: { class: 'user-error' } });
      expect(await home.run(['down'], { uid: NOBODY })).toMatchObject({ code: 0 });
      expect(await processesOf(home.folder)).toEqual([]);
      const owners = new Set(await Promise.all((await readdir(home.folder)).map(async (name) => (await stat(path.join(home.folder, name))).uid)));
      expect(owners).toEqual(new Set([NOBODY]));
    },
  );
});

describe('SODATE_ADMIN_PASSWORD', () => {
  it('too short is refused by name, and the next start goes on', async () => {
    const home = await useHome();
    await expectRefused(home, ['up'], /SODATE_ADMIN_PASSWORD.*8/, { environment: { SODATE_ADMIN_PASSWORD: 'short' } });
    expect(await processesOf(home.folder)).toEqual([]);
    const server = await home.up();
    expect(server.stdout()).not.toContain('Sign in for the first time');
    await signInAsAdmin(server.url);
  });
});

describe('a setting', () => {
  it('or an option that does not exist is refused by name', async () => {
    const home = await useHome();
    await expectRefused(home, ['up', '--prot', '1'], /--prot/);
    await expectRefused(home, ['up'], /SODATE_ISOLATION/, { environment: { SODATE_ISOLATION: 'docker' } });
    await expectRefused(home, ['fly'], /There is no command fly/);
    expect(await readdir(home.folder)).toEqual([]);
  });
});
