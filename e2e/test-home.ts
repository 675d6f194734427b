import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeClient, type Client } from '@sodate/client/make-client.ts';
import { signIn } from '@sodate/contract/session.ts';
import { endProcessesOf } from './home-processes.ts';
import { removeControlGroups } from './home-traces.ts';
import { until } from './until.ts';

export const ADMIN_PASSWORD = 'a password of the first admin';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the program that goes on while the test does something else. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  hasEnded(): boolean;
  stdout(): string;
  stderr(): string;
}

export interface StartChoice {
  /** Over those of the home; undefined takes one away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
}

/** A home of its own for one test, and the program run on it. */
export interface TestHome {
  readonly folder: string;
  /** One command to its end. */
  run(command: readonly string[], choice?: StartChoice): Promise<Ended>;
  begin(command: readonly string[], choice?: StartChoice): Running;
  /** `up` in the foreground, once it serves. @throws when it ends instead */
  up(choice?: StartChoice & { readonly arguments?: readonly string[] }): Promise<Running & { readonly url: string }>;
  serverRecord(): Promise<{ readonly pid: number; readonly url: string } | null>;
  /** Ends every process of the home, by id, and removes it. */
  remove(): Promise<void>;
}

export async function makeTestHome(
  program: string,
  given: { readonly folder?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<TestHome> {
  const folder = given.folder ?? (await mkdtemp(path.join(tmpdir(), 'sodate-e2e-')));
  const base = {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: process.env['TMPDIR'],
    SODATE_HOME: folder,
    SODATE_ADMIN_PASSWORD: ADMIN_PASSWORD,
    SODATE_PORT: '0',
    SODATE_LOG_LEVEL: 'warn',
    ...given.environment,
  };
  const begin: TestHome['begin'] = (command, choice = {}) =>
    beginProcess([process.execPath, program, ...command], { ...base, ...choice.environment }, choice.uid);
  const serverRecord: TestHome['serverRecord'] = async () => {
    const text = await readFile(path.join(folder, 'server.json'), 'utf8').catch(() => null);
    return text === null ? null : (JSON.parse(text) as { pid: number; url: string });
  };
  return {
    folder,
    begin,
    serverRecord,
    run: (command, choice) => begin(command, choice).ended,
    async up(choice = {}) {
      const server = begin(['up', ...(choice.arguments ?? [])], choice);
      const url = await untilReady(server);
      return { ...server, url };
    },
    async remove() {
      await endProcessesOf(folder);
      await removeControlGroups(folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

export function beginProcess(command: readonly string[], environment: Readonly<Record<string, string | undefined>>, uid?: number): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env: { ...environment }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], ...(uid === undefined ? {} : { uid, gid: uid }) });
  const said = { stdout: '', stderr: '', ended: false };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  // The process itself, not its pipes: a database it leaves behind must not make it look alive.
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      said.ended = true;
      // A moment later its last words have been read, too.
      setTimeout(() => resolve({ code, stdout: said.stdout, stderr: said.stderr }), 20);
    });
  });
  ended.catch(() => {});
  return { pid: child.pid ?? -1, ended, hasEnded: () => said.ended, stdout: () => said.stdout, stderr: () => said.stderr };
}

/** @throws with what it said when it ends instead */
export async function untilReady(server: Running): Promise<string> {
  const url = await until('the server serves', async () => {
    const ready = /^Sodate is ready at (\S+)$/m.exec(server.stdout())?.[1];
    if (ready !== undefined) return ready;
    if (!server.hasEnded()) return null;
    const { code, stderr } = await server.ended;
    throw new Error(`The server ended with code ${code}: ${stderr}`);
  });
  return url;
}

export const isHealthy = (url: string): Promise<boolean> =>
  fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(5_000) }).then(
    (answer) => answer.ok,
    () => false,
  );

export async function signInAsAdmin(url: string, password = ADMIN_PASSWORD): Promise<Client> {
  const { token } = await makeClient({ server: url }).call(signIn, { body: { name: 'admin', password, keep: 'token' } });
  // Servers are killed under this client: it tries for as long as a start may take.
  return makeClient({ server: url, token: token ?? '', backoff: { retries: 300, firstDelayMs: 50, longestDelayMs: 400 } });
}
