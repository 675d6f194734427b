import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..');

/** A linter that is misconfigured says "no errors". These plant errors and want to see them found. */
describe('the lint for import directions', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sodate-lint-'));
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) cpSync(path.join(root, name), path.join(folder, name));
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    mkdirSync(path.join(folder, 'server'));
    cpSync(path.join(root, 'server/package.json'), path.join(folder, 'server/package.json'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const lint = (files: Readonly<Record<string, string>>): string => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    const { stdout } = spawnSync(process.execPath, [path.join(root, 'node_modules/oxlint/bin/oxlint'), '--quiet', ...Object.keys(files)], {
      cwd: folder,
      encoding: 'utf8',
    });
    return stdout;
  };

  it.each([
    ['contract/planted.ts', 'fastify'],
    ['client/planted.ts', '../server/compose.ts'],
    ['cli/planted.ts', '@sodate/server/main.ts'],
    ['web/planted.ts', '../server/compose.ts'],
    ['server/kit/planted.ts', '#runs/runs.ts'],
    ['server/postgres/planted.ts', '#kit/clock.ts'],
    ['server/executors/planted/planted.ts', '#staging/staging.ts'],
    ['server/data/planted.ts', '#runs/runs.ts'],
    ['server/staging/planted.ts', '#runs/runs.ts'],
    ['server/runs/planted.ts', '#training/training-kind.ts'],
    ['server/runs/planted-too.ts', '#executors/local-process/local-process-executor.ts'],
    ['server/training/planted.ts', '#inference/inference-kind.ts'],
    ['server/tasks/planted.ts', '#compose.ts'],
  ])('finds that %s must not import %s', (file, forbidden) => {
    expect(lint({ [file]: `import { planted } from '${forbidden}';\nexport const used = planted;\n` })).toContain('no-restricted-imports');
  });

  it('finds a cycle', () => {
    const found = lint({
      'server/circle/one.ts': "import { two } from './two.ts';\nexport const one = (): number => two();\n",
      'server/circle/two.ts': "import { one } from './one.ts';\nexport const two = (): number => one();\n",
    });
    expect(found).toContain('no-cycle');
  });

  it.each([
    ['a floating promise', 'no-floating-promises', 'export function forget(): void {\n  Promise.resolve();\n}\n'],
    ['any', 'no-explicit-any', 'export const loose: any = 1;\n'],
    ['a default export', 'no-default-export', 'export default 1;\n'],
    ['the ambient environment', 'no-process-env', 'export const home = process.env.HOME;\n'],
    ['a barrel of re-exports', 'no-barrel-file', Array.from({ length: 3 }, (_, at) => `export * from './barrel-part-${at}.ts';`).join('\n')],
  ])('finds %s', (_name, rule, text) => {
    for (const at of [0, 1, 2])
      writeFileSync(path.join(folder, `server/barrel-part-${at}.ts`), Array.from({ length: 60 }, (_, n) => `export const part${at}x${n} = ${n};`).join('\n'));
    expect(lint({ 'server/planted.ts': text })).toContain(rule);
  });

  it('has nothing against what is allowed', () => {
    expect(lint({ 'server/kit/fine.ts': "import { log } from '#kit/log.ts';\nexport const fine = log;\n" })).not.toContain('no-restricted-imports');
  });
});
