import { compose, type ComposeOptions, type Platform } from '#compose.ts';
import { makeFakeEngine, type FakeEngine } from '#executors/fake/fake-engine.ts';
import { makeFakeExecutor } from '#executors/fake/fake-executor.ts';
import { type LocalProcessOptions, makeLocalProcessExecutor } from '#executors/local-process/local-process-executor.ts';
import { type Answer, exchange, type RequestParts } from '#api-tests/exchange.ts';
import { makeTestRepository, type TestRepository } from '#api-tests/test-repository.ts';
import { watchDocumentedErrors } from '#api-tests/documented-errors.ts';
import { findLeftovers } from '#api-tests/find-leftovers.ts';
import { systemClock } from '#kit/clock.ts';
import { cloneTestDatabase, type TestDatabase } from '#kit/db/test-database.ts';
import type { ObjectStoreSettings } from '#kit/object-store/open-object-store.ts';
import { type Home, openHome } from '#kit/home.ts';
import { answerJson, provideStandInRegistry, type StandInRegistry } from '#registries/testing/provide-stand-in-registry.ts';
import { makeAttemptToken } from '#runs/attempt-token.ts';
import { sql } from 'kysely';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll } from 'vitest';

/** Somebody who can ask: what they are called and what opens the door for them. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  /** A session's secret, for `Authorization: Bearer` and for the cookie alike. */
  readonly secret: string;
}

export interface TestPlatformOptions {
  readonly executor?: 'fake' | 'local';
  readonly isolation?: LocalProcessOptions['isolation'];
  readonly publicUrl?: string;
  readonly contentHost?: string;
  /** Asked for when the platform is opened. Default: the file system */
  readonly objectStore?: () => Promise<ObjectStoreSettings>;
  readonly limits?: NonNullable<ComposeOptions['limits']>;
}

/**
 * A whole server for tests: everything that `compose` makes, on a database and a home of its own, behind a real port,
 * with two tenants and people of every role. Nothing in it is replaced, except that jobs may be the fake engine's.
 */
export interface TestPlatform {
  readonly url: string;
  readonly home: Home;
  readonly database: TestDatabase;
  readonly platform: Platform;
  /** Of the fake executor; with the local one there are real processes instead. */
  readonly engine: FakeEngine;
  /** An endpoint `local` with one repository, known to the platform. */
  readonly repository: TestRepository;
  readonly gitRoot: string;
  /** A registry `images` with the image team/model:v1, known to the platform. */
  readonly imageRegistry: StandInRegistry;
  readonly systemAdmin: Person;
  /** Of tenant `alpha`. */
  readonly admin: Person;
  readonly member: Person;
  readonly viewer: Person;
  /** Member of tenant `beta`, and of nothing else. */
  readonly foreigner: Person;
  readonly tenant: { readonly id: string; readonly name: string };
  readonly otherTenant: { readonly id: string; readonly name: string };
  /** What the server logged at the levels error and fatal. */
  readonly errorsLogged: readonly string[];
  /** One exchange as `secret`; null = anonymous. Never throws for a status. */
  ask(secret: string | null, method: string, path: string, body?: unknown, more?: Partial<RequestParts>): Promise<Answer>;
  /** Like `ask`, for what must work: throws the answer otherwise. */
  must(secret: string | null, method: string, path: string, body?: unknown, more?: Partial<RequestParts>): Promise<Answer>;
  makePerson(name: string, roles?: Readonly<Record<string, 'viewer' | 'member' | 'admin'>>): Promise<Person>;
  makeToken(person: Person, tenant: string): Promise<{ readonly id: string; readonly secret: string }>;
  /** Waits until the run is in one of these states; an end that is none of them is an error at once. */
  untilRun(tenant: string, run: string, ...states: readonly string[]): Promise<Answer['body']>;
  /** The token that the platform gave to the present attempt of a run. */
  attemptTokenOf(run: string): Promise<string>;
  /** Ends all jobs and the server. @throws when a process, a folder or a mount is left, or a route answered with an error that its contract does not name */
  close(): Promise<void>;
}

/** A test that waits longer says what for, instead of being cut off by its time limit without a word. */
const STUCK_MS = 50_000;
const ENDED = new Set(['succeeded', 'failed', 'cancelled']);
const ADMIN_PASSWORD = 'a password of the first admin';
const MIGRATIONS = path.join(import.meta.dirname, '../migrations');

export async function openTestPlatform(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-api-'));
  const [home, database] = await Promise.all([openHome(path.join(folder, 'home')), cloneTestDatabase()]);
  const gitRoot = path.join(folder, 'repositories');
  const webFolder = path.join(folder, 'web');
  const repository = await makeTestRepository(gitRoot, 'team/model');
  await makeWebFolder(webFolder);
  const imageRegistry = await provideStandInRegistry((_request, response) => answerJson(response, { repositories: ['team/model'], tags: ['v1'] }));
  const engine = makeFakeEngine({ clock: systemClock, nodes: [{ name: 'fake-node', cpuMilli: 64_000, memoryBytes: 64 * 2 ** 30, gpus: [], problem: null }] });
  const errorsLogged: string[] = [];
  const held = { installation: '' };
  const platform = await compose({
    home,
    database: database.address,
    clock: systemClock,
    logger: pino({ level: 'error', base: null }, collectLines(errorsLogged)),
    publicUrl: options.publicUrl ?? null,
    trustedProxies: [],
    contentHost: options.contentHost ?? null,
    adminPassword: ADMIN_PASSWORD,
    gitRoot,
    timeZone: 'Asia/Tokyo',
    migrations: MIGRATIONS,
    webFolder,
    ...(options.objectStore ? { objectStore: await options.objectStore() } : {}),
    ...(options.limits ? { limits: options.limits } : {}),
    executors: async ({ stage, installation }) => {
      held.installation = installation;
      if (options.executor !== 'local') return [makeFakeExecutor({ id: 'fake', engine, platform: installation, stage })];
      return [
        await makeLocalProcessExecutor({
          folder: path.join(home.folder, 'executors', 'local-process'),
          platform: installation,
          stage,
          clock: systemClock,
          log: { info: () => {}, warn: () => {}, error: (_fields, message) => void errorsLogged.push(message) },
          nodeName: 'this-machine',
          nodePath: process.execPath,
          askGpus: async () => '',
          minimumFreeBytes: 0,
          ...(options.isolation ? { isolation: options.isolation } : {}),
        }),
      ];
    },
  });
  const { url } = await platform.listen('127.0.0.1', 0);

  const documented = watchDocumentedErrors();
  const ask: TestPlatform['ask'] = async (secret, method, at, body, more = {}) => {
    const credential = secret === null ? {} : { authorization: `Bearer ${secret}` };
    const answer = await exchange(url, { ...more, method, path: at, body, headers: { ...credential, ...more.headers } });
    documented.look(method, at, answer);
    return answer;
  };
  const must: TestPlatform['must'] = async (secret, method, at, body, more) => {
    const answer = await ask(secret, method, at, body, more);
    if (answer.status >= 300) throw new Error(`${method} ${at}: ${answer.status} ${answer.text}`);
    return answer;
  };

  const signIn = async (name: string, password: string): Promise<Person> => {
    const { body } = await must(null, 'POST', '/v1/session', { name, password, keep: 'token' });
    return { id: body.me.id, name, password, secret: body.token };
  };
  const systemAdmin = await signIn('admin', ADMIN_PASSWORD);
  const makePerson: TestPlatform['makePerson'] = async (name, roles = {}) => {
    const password = `a password of ${name}`;
    await must(systemAdmin.secret, 'POST', '/v1/users', { name, password });
    for (const [tenant, role] of Object.entries(roles)) await must(systemAdmin.secret, 'PUT', `/v1/tenants/${tenant}/members/${name}`, { role });
    return signIn(name, password);
  };
  const tenant = (await must(systemAdmin.secret, 'POST', '/v1/tenants', { name: 'alpha' })).body;
  const otherTenant = (await must(systemAdmin.secret, 'POST', '/v1/tenants', { name: 'beta' })).body;
  await must(systemAdmin.secret, 'POST', '/v1/git-endpoints', { name: 'local', kind: 'local', root: gitRoot });
  await must(systemAdmin.secret, 'POST', '/v1/registries', { name: 'images', address: imageRegistry.address, insecure: true });
  const [admin, member, viewer, foreigner] = await Promise.all([
    makePerson('ada', { alpha: 'admin' }),
    makePerson('mel', { alpha: 'member' }),
    makePerson('vic', { alpha: 'viewer' }),
    makePerson('fox', { beta: 'member' }),
  ]);

  const untilRun: TestPlatform['untilRun'] = async (inTenant, run, ...states) => {
    const begun = systemClock.now().getTime();
    for (;;) {
      const at = `/v1/tenants/${inTenant}/runs/${run}`;
      const { body } = await must(systemAdmin.secret, 'GET', at);
      if (states.includes(body.state)) return body;
      if (ENDED.has(body.state)) throw new Error(`Run ${run} is ${body.state}, not ${states.join(' or ')}: ${JSON.stringify(body.failure)}`);
      if (systemClock.now().getTime() - begun > STUCK_MS) {
        const about = await Promise.all(['waiting', 'timeline'].map(async (what) => (await ask(systemAdmin.secret, 'GET', `${at}/${what}`)).text));
        throw new Error(`Run ${run} stays ${body.state}, and does not become ${states.join(' or ')}: ${about.join(' ')} ${errorsLogged.join(' ')}`);
      }
      await systemClock.sleep(20);
    }
  };

  return {
    url,
    home,
    database,
    platform,
    engine,
    repository,
    gitRoot,
    imageRegistry,
    systemAdmin,
    admin,
    member,
    viewer,
    foreigner,
    tenant,
    otherTenant,
    errorsLogged,
    ask,
    must,
    makePerson,
    untilRun,
    makeToken: async (person, inTenant) => (await must(person.secret, 'POST', `/v1/tenants/${inTenant}/tokens`, { name: `of ${person.name}` })).body,
    async attemptTokenOf(run) {
      const { attempt_id } = await database.db.selectFrom('runs').select('attempt_id').where('id', '=', run).executeTakeFirstOrThrow();
      if (attempt_id === null) throw new Error(`Run ${run} has no attempt`);
      return makeAttemptToken(home.key, attempt_id);
    },
    async close() {
      const live = await database.db
        .selectFrom('runs')
        .select(['id', 'tenant_id'])
        .where('state', 'not in', [...ENDED])
        .execute();
      for (const run of live) await must(systemAdmin.secret, 'POST', `/v1/tenants/${run.tenant_id}/runs/${run.id}/stop`, { graceSeconds: 0 });
      for (const run of live) await untilRun(run.tenant_id, run.id, ...ENDED);
      const attempts = await database.db.selectFrom('attempts').select('id').execute();
      await platform.close();
      await imageRegistry.close();
      const leftovers = await findLeftovers({ home: home.folder, installation: held.installation, attempts: attempts.map(({ id }) => id) });
      await database.close();
      await rm(folder, { recursive: true, force: true });
      if (documented.undocumented.size > 0) throw new Error(`Errors that the contract does not name:\n${[...documented.undocumented].join('\n')}`);
      if (leftovers.length > 0) throw new Error(`Left behind:\n${leftovers.join('\n')}`);
    },
  };
}

/** Waits until the engine has nothing left to do but to watch what runs until it is stopped. */
export async function untilQuiet({ database }: Pick<TestPlatform, 'database'>): Promise<void> {
  for (;;) {
    const busy = await database.db
      .selectFrom('runs')
      .select('id')
      .where('state', 'not in', [...ENDED])
      .where((where) => where.or([where('state', '<>', 'running'), sql<boolean>`request #>> '{environment,FAKE_RUN_MS}' is distinct from 'forever'`]))
      .executeTakeFirst();
    if (busy === undefined) return;
    await systemClock.sleep(20);
  }
}

/** One platform for all tests of a file (or describe block). */
export function useTestPlatform(options?: TestPlatformOptions): () => TestPlatform {
  const held: { platform?: TestPlatform } = {};
  beforeAll(async () => {
    held.platform = await openTestPlatform(options);
  });
  afterAll(async () => {
    await held.platform?.close();
  });
  return () => {
    if (!held.platform) throw new Error('The test platform exists only while tests run');
    return held.platform;
  };
}

/** Stands in for the built web UI: the platform serves whatever is in there. */
async function makeWebFolder(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'assets'), { recursive: true });
  await writeFile(path.join(folder, 'index.html'), '<!doctype html><title>pages</title>');
  await writeFile(path.join(folder, 'assets', 'app.js'), 'export {};');
}

const collectLines = (lines: string[]): Writable =>
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
