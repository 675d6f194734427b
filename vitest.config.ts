import { defineConfig } from 'vitest/config';

/** One configuration for every suite; `scripts/test.ts` chooses by file name (`*.db.test.ts`, `*.engine.test.ts`, …). */
export default defineConfig({
  test: {
    globalSetup: ['server/kit/db/provide-test-postgres.ts'],
    include: ['{contract,client,cli,server,web,e2e,scripts,bench,examples}/**/*.test.{ts,tsx}'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
