import { CommandError } from '#commands/command-error.ts';
import { findReadyText } from '#commands/ready-text.ts';
import { explainStartTrouble } from '#commands/start-trouble.ts';
import { findRunningServer } from '#commands/server-record.ts';
import type { Config } from '#config/config.ts';
import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** Starts the server as a process of its own and returns when it serves. Its output goes to `server.log` in the home. */
export async function upDetached(config: Config, environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  const before = await findRunningServer(config.home);
  if (before !== null)
    throw new CommandError(`A server already runs on the home ${config.home} at ${before.url} (process ${before.pid}). Use it, or end it with: ./sodate down`);
  const logFile = path.join(config.home, 'server.log');
  const log = await mkdir(config.home, { recursive: true, mode: 0o700 })
    .then(() => open(logFile, 'a', 0o600))
    .catch((error: unknown) => {
      throw explainStartTrouble(error, config.home);
    });
  const begin = (await log.stat()).size;
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', 'up'], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...environment },
  });
  const ended: { code: number | null | undefined } = { code: undefined };
  child.once('exit', (code) => {
    ended.code = code;
  });
  child.unref();
  await log.close();
  for (let waited = 0; waited < START_PATIENCE_MS; waited += LOOK_EVERY_MS) {
    const running = await findRunningServer(config.home);
    if (running !== null && running.pid === child.pid) {
      // Its record is in the home a moment before it has said where it serves and, only once, the link of the first sign-in.
      const said = findReadyText((await readFile(logFile)).subarray(begin).toString('utf8'));
      if (said !== null) {
        process.stdout.write(`${said}\nIt runs as process ${running.pid}; its log is ${logFile}. End it with: ./sodate down\n`);
        return;
      }
    }
    if (ended.code !== undefined) {
      const said = (await readFile(logFile)).subarray(begin).toString('utf8').trim().split('\n').slice(-8).join('\n');
      throw new CommandError(`The server ended right away:\n${said.replace(/^error: /gm, '')}`);
    }
    await sleep(LOOK_EVERY_MS);
  }
  throw new CommandError(`The server has not come up within ${START_PATIENCE_MS / 1000} s. See ${logFile}.`);
}
