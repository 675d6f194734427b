import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const isChaos = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith('.chaos.test.ts');
const isJourney = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith('.journey.test.ts');
const wantsDocker = ({ moduleId }: TestSpecification): boolean => /[./]docker[./].*engine\.test\.ts$/.test(moduleId);

/**
 * The longest first. Container engines take turns, so those who want one are spread out: else both workers would wait for
 * the same. An engine makes and removes networks, at which Chromium breaks off what it is fetching: journeys come last.
 */
class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const docker = sorted.filter(wantsDocker);
    const others = sorted.filter((file) => !isChaos(file) && !isJourney(file) && !wantsDocker(file));
    const step = Math.max(1, Math.floor(others.length / 2 / Math.max(1, docker.length)));
    const first = Math.floor(others.length / 4);
    for (const [nth, file] of docker.entries()) others.splice(first + nth * (step + 1), 0, file);
    return [...sorted.filter(isChaos), ...others, ...sorted.filter(isJourney)];
  }
}

/** One configuration for every suite; `scripts/test.ts` chooses by file name (`*.db.test.ts`, `*.engine.test.ts`, …). */
export default defineConfig({
  test: {
    globalSetup: ['server/kit/db/provide-test-postgres.ts'],
    include: ['{contract,client,cli,server,web,e2e,scripts,bench,examples}/**/*.test.{ts,tsx}'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Its own second is little for what waits for a process, a database or a page on a loaded machine.
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: Order },
  },
});
