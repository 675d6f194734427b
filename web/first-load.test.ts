import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const LIMIT_BYTES = 350_000;

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
}

describe('what a first visit loads', () => {
  let folder: string;
  let chunks: Readonly<Record<string, Chunk>>;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sodate-first-load-'));
    // As a program of its own: inside a test React would be built for tests, which is a third larger.
    const vite = path.join(import.meta.dirname, '../node_modules/vite/bin/vite.js');
    await promisify(execFile)(process.execPath, [vite, 'build', import.meta.dirname, '--logLevel', 'error', '--outDir', folder, '--manifest'], {
      env: { ...process.env, NODE_ENV: 'production' },
    });
    chunks = JSON.parse(await readFile(path.join(folder, '.vite/manifest.json'), 'utf8')) as typeof chunks;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The scripts that have to be there before a page shows: the frame's, the longer language's and its own, with everything they import at once. */
  const scriptsOf = (...entries: readonly string[]): ReadonlySet<string> => {
    const files = new Set<string>();
    const seen = new Set<string>();
    const rest = [...entries];
    for (const name of rest) {
      const chunk = chunks[name];
      if (chunk === undefined) throw new Error(`${name} is not in the build`);
      if (seen.has(name)) continue;
      seen.add(name);
      files.add(chunk.file);
      rest.push(...(chunk.imports ?? []));
    }
    return files;
  };

  it.each([
    'home/home-page.tsx',
    'data/data-list-page.tsx',
    'data/data-page.tsx',
    'datasets/dataset-list-page.tsx',
    'datasets/dataset-page.tsx',
    'datasets/new-dataset-page.tsx',
    'runs/runs-page.tsx',
    'runs/run-page.tsx',
    'runs/submit-page.tsx',
    'metrics/compare-page.tsx',
    'tenants/administration-page.tsx',
  ])('is at most 350 kB of compressed script where it begins with %s', async (page) => {
    let bytes = 0;
    for (const file of scriptsOf('index.html', 'kit/i18n/ja.json', page))
      if (file.endsWith('.js')) bytes += gzipSync(await readFile(path.join(folder, file))).length;
    process.stdout.write(`first load of ${page}: ${Math.round(bytes / 1000)} kB\n`);
    expect(bytes).toBeLessThanOrEqual(LIMIT_BYTES);
  });
});
