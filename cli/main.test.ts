import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { followLog, getLog } from '@sodate/contract/run-routes.ts';
import { getMe } from '@sodate/contract/session.ts';
import { type ContractServer, contractServer } from './testing/contract-server.ts';
import { me } from './testing/samples.ts';

let server: ContractServer;
beforeEach(async () => {
  server = await contractServer();
  server.on(getMe, () => me);
});
afterEach(() => server[Symbol.asyncDispose]());

/** The command as a process of its own. */
function start(args: readonly string[]) {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    env: { PATH: '/usr/bin:/bin', XDG_CONFIG_HOME: '/nonexistent', SODATE_SERVER: server.url, SODATE_TOKEN: 't' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: string | null; err: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, err }));
  });
  return { child, ended };
}

test('a reader that has seen enough ends it quietly', async () => {
  // Far more than any pipe holds, so that it must still be writing when the reader leaves.
  server.on(getLog, ({ response }) => void response.end(Buffer.alloc(20_000_000, 'line\n')));
  const { child, ended } = start(['run', 'log', 'task-1']);
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await ended).toEqual({ code: 0, signal: null, err: '' });
});

test('a long output through a slow pipe arrives whole', async () => {
  server.on(getLog, ({ response }) => void response.end(Buffer.alloc(3_000_000, 'x')));
  const { child, ended } = start(['run', 'log', 'task-1']);
  let size = 0;
  for await (const chunk of child.stdout) size += (chunk as Buffer).length;
  expect([size, (await ended).code]).toEqual([3_000_000, 0]);
});

test('Ctrl-C detaches with exit code 130', async () => {
  const data = JSON.stringify({ attempt: 1, offset: 2, bytes: btoa('hi') });
  server.on(followLog, ({ response }) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`event: log\nid: 1:2\ndata: ${data}\n\n`));
  const { child, ended } = start(['run', 'log', 'task-1', '--follow']);
  child.stdout.once('data', () => child.kill('SIGINT'));
  expect(await ended).toMatchObject({ code: 130, err: expect.stringContaining('task-1 goes on') });
});
