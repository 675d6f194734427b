import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { processesBelow, postmasterOf } from './processes.ts';

export interface BenchServer {
  readonly url: string;
  readonly pid: number;
  /** Every process that is there for the platform's sake, jobs left out. */
  processes(): { readonly server: readonly number[]; readonly database: readonly number[] };
  /** Ends it with its database and whatever jobs are left. */
  stop(): Promise<void>;
}

const START_PATIENCE_MS = 60_000;
const END_PATIENCE_MS = 30_000;
/** As `./sodate up` does. */
const NODE_OPTIONS = ['--initial-old-space-size=128'];

/** Starts the built program as a child, the way `up` runs it, and waits until it serves. */
export async function startServer(options: {
  readonly program: string;
  readonly profile: string | null;
  readonly environment: { readonly SODATE_HOME: string } & Readonly<Record<string, string>>;
}): Promise<BenchServer> {
  const { program, profile } = options;
  const environment = { ...process.env, ...options.environment };
  const profiling = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...profiling, program, 'up'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), END_PATIENCE_MS);
    if (child.exitCode === null && child.signalCode === null) await exited;
    clearTimeout(patience);
    await promisify(execFile)(process.execPath, [program, 'down', '--jobs'], { env: environment });
  };
  const url = await new Promise<string>((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error('The server has not come up in time.')), START_PATIENCE_MS);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /ready at (\S+)/.exec(said)?.[1];
      if (found === undefined) return;
      clearTimeout(patience);
      resolve(found);
    });
    child.once('exit', (code) => {
      clearTimeout(patience);
      reject(new Error(`The server ended with code ${code}.`));
    });
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const pid = child.pid ?? 0;
  return {
    url,
    pid,
    processes() {
      const postmaster = postmasterOf(options.environment.SODATE_HOME);
      const database = postmaster === null ? [] : processesBelow(postmaster);
      return { server: processesBelow(pid).filter((each) => !database.includes(each)), database };
    },
    stop,
  };
}
