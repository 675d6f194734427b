import { provideMlflowClient } from '../server/mlflow/testing/provide-mlflow-client.ts';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** The whole of it, with its server. */
const REQUIREMENTS = ['mlflow>=3,<4'];
/** Each of its workers imports for seconds, on a busy machine for minutes. */
const START_PATIENCE_MS = 600_000;
/**
 * Its workers' overseer kills one that does not answer it within 5 seconds, and on a machine that is busy with being
 * measured their first request takes longer: whoever was being served then is cut off, which `fetch` says as "fetch failed".
 */
const WORKERS_ANSWER_WITHIN_SECONDS = 600;

/** Starts MLflow's own server with its usual workers on a SQLite database of its own. @returns why there is none, where PyPI is out of reach */
export async function startMlflowServer(
  folder: string,
): Promise<{ readonly url: string; readonly version: string; stop(): Promise<void> } | { readonly missing: string }> {
  const found = await provideMlflowClient(REQUIREMENTS);
  if ('missing' in found) return found;
  const place = path.join(folder, 'mlflow');
  await mkdir(place, { recursive: true });
  const port = await freePort();
  const program = path.join(path.dirname(found.python), 'mlflow');
  const { stdout } = await promisify(execFile)(program, ['--version']);
  const child = spawn(
    program,
    [
      'server',
      '--backend-store-uri',
      `sqlite:///${place}/mlflow.db`,
      '--artifacts-destination',
      path.join(place, 'artifacts'),
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--uvicorn-opts',
      `--timeout-worker-healthcheck ${WORKERS_ANSWER_WITHIN_SECONDS} --log-level warning`,
    ],
    // A group of its own, so that its workers end with it.
    { cwd: place, stdio: 'ignore', detached: true, env: { PATH: process.env['PATH'], HOME: place, MLFLOW_DISABLE_TELEMETRY: 'true' } },
  );
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await exited;
  };
  const url = `http://127.0.0.1:${port}`;
  const began = performance.now();
  while (
    !(await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || performance.now() - began > START_PATIENCE_MS) {
      await stop();
      throw new Error(`MLflow's server has not come up (exit code ${child.exitCode})`);
    }
    await sleep(200);
  }
  return { url, version: stdout.trim().split(' ').at(-1) ?? '', stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('There is no free port');
  return address.port;
}
