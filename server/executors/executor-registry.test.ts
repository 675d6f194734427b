import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Executor } from './executor.ts';
import { makeExecutorRegistry } from './executor-registry.ts';

const executor = (id: string, images: readonly string[] | 'any') => ({ id, capabilities: { images } }) as unknown as Executor;

it('finds executors by id and by image, in order of preference', () => {
  const [local, docker] = [executor('local', ['host']), executor('docker', 'any')];
  const registry = makeExecutorRegistry([local, docker]);
  expect(registry.get('docker')).toBe(docker);
  expect(registry.get('nowhere')).toBeUndefined();
  expect(registry.supporting('host')).toEqual([local]);
  expect(registry.supporting('python:3.12')).toEqual([docker]);
  expect(() => makeExecutorRegistry([local, local])).toThrow('local');
});

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

it.each(folders)('executors/%s has a README, its executor, and a test that runs the conformance suite', (name) => {
  const folder = join(import.meta.dirname, name);
  expect(existsSync(join(folder, 'README.md'))).toBe(true);
  expect(existsSync(join(folder, `${name}-executor.ts`))).toBe(true);
  expect(readdirSync(folder).some((file) => file.endsWith('.test.ts'))).toBe(true);
});
