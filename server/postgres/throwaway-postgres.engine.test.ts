import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { waitUntil } from './postgres-timing.ts';
import { processesIn } from './read-process.ts';
import { startThrowawayPostgres } from './throwaway-postgres.ts';

test('may create databases from templates, and leaves nothing after stop', async () => {
  const throwaway = await startThrowawayPostgres();
  const folder = throwaway.connection.host;
  const client = new Client(throwaway.connection);
  await client.connect();
  await client.query('CREATE DATABASE copied TEMPLATE template1');
  await client.end();
  await throwaway.stop();
  expect(existsSync(folder)).toBe(false);
});

test.each([
  ['by kill -9', 'setInterval(() => undefined, 1000)'],
  ['by itself, without a stop', ''],
])('is gone when its process ends: %s', async (how, rest) => {
  const module = new URL('throwaway-postgres.ts', import.meta.url).href;
  const script = `const { startThrowawayPostgres } = await import(${JSON.stringify(module)}); console.log((await startThrowawayPostgres()).connection.host); ${rest}`;
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const folder = await new Promise<string>((resolve) => child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString().trim())));
  const data = join(folder, 'data');
  expect(folder).not.toBe('');
  if (how === 'by kill -9') {
    expect(processesIn(data)).not.toEqual([]);
    child.kill('SIGKILL');
  }
  expect(await waitUntil(() => !existsSync(folder), 20_000)).toBe(true);
  expect(await waitUntil(() => (processesIn(data) ?? []).length === 0, 5_000)).toBe(true);
});
