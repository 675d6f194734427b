import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * Starts a worker thread from its bundle, or in development and tests from its source. Node 20 does not apply `--import`
 * to threads, so there tsx is registered by the first line the thread runs.
 */
export function startWorker(file: URL): Worker {
  if (!file.pathname.endsWith('.ts')) return new Worker(file);
  const tsx = new URL('./dist/esm/api/index.mjs', pathToFileURL(createRequire(file).resolve('tsx/package.json')));
  return new Worker(`import(${JSON.stringify(tsx.href)}).then(({ register }) => { register(); return import(${JSON.stringify(file.href)}); });`, {
    eval: true,
  });
}
