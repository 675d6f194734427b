import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = path.join(import.meta.dirname, '../../dist/server.mjs');
const USUAL_PORT = 7363;

export interface DemoServer {
  readonly url: string;
  readonly password: string;
  readonly gitRoot: string;
  /** Ends the server, its database and whatever jobs are left. */
  down(): Promise<void>;
}

/** Starts the server of the demo's home, or finds it running from an earlier demo. */
export async function startDemoServer(home: string, executor: 'local' | 'docker', port: string | undefined): Promise<DemoServer> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const password = await demoPassword(home);
  const gitRoot = path.join(home, 'git', 'repositories');
  const environment = {
    ...process.env,
    SODATE_HOME: home,
    SODATE_ADMIN_PASSWORD: password,
    SODATE_GIT_ROOT: gitRoot,
    SODATE_EXECUTORS: executor,
    DATABASE_URL: '',
  };
  const sodate = (...args: string[]): Promise<{ stdout: string }> => run(process.execPath, [PROGRAM, ...args], { env: environment });
  const running = async (): Promise<string | null> => {
    const said = await sodate('status', '--json').catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '{}' }));
    const status = JSON.parse(said.stdout || '{}') as { server?: { url: string } | null; healthy?: boolean };
    return status.healthy === true && status.server ? status.server.url : null;
  };
  let url = await running();
  if (url === null) {
    await sodate('up', '--detach', '--port', port ?? ((await isFree(USUAL_PORT)) ? String(USUAL_PORT) : '0')).catch(
      (error: { stderr?: string; message: string }) => {
        throw new Error(error.stderr?.replace(/^error: /, '').trim() || error.message);
      },
    );
    url = await running();
  }
  if (url === null) throw new Error(`The demo's server did not come up. See ${path.join(home, 'server.log')}.`);
  return { url, password, gitRoot, down: async () => void (await sodate('down', '--jobs')) };
}

/** Made once per demo home; the user of the demo signs in with it. */
async function demoPassword(home: string): Promise<string> {
  const file = path.join(home, 'demo-password');
  const before = await readFile(file, 'utf8').catch(() => null);
  if (before !== null) return before.trim();
  const password = randomBytes(9).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
