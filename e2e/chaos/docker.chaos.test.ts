import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { engineOrReason } from '../../server/executors/docker/testing/test-engine.ts';
import { provideTestImages, TEST_IMAGES } from '../../server/executors/docker/testing/test-images.ts';
import { provideTestRegistry, whyNoRegistry } from '../../server/executors/docker/testing/test-registry.ts';
import { endStuckStarts, findContainers, findDockerTraces } from '../docker-traces.ts';
import { findTraces } from '../home-traces.ts';
import { freePort } from '../../server/kit/testing/free-port.ts';
import { until } from '../until.ts';
import { describeImages, presentImages, provideChaosImages } from './chaos-images.ts';
import { runChaos, seedOfTest } from './run-chaos.ts';

const RUNS = 200;
const STRIKES = 34;
/** Pulled anew again and again, since the budget is for one of them. */
const PULLED_IMAGES = 3;
const IMAGES_IN_BUDGET = 1.5;
/** After the grace for attempts that no run knows, and then some. */
const REST_PATIENCE_MS = 240_000;

const engine = whyNoRegistry() ?? (await engineOrReason());
const whyNot = typeof engine === 'string' ? engine : null;
const seed = seedOfTest();

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
afterAll(async () => {
  if (typeof engine !== 'string') await engine.close();
});

describe.skipIf(whyNot !== null)(`containers and processes together${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  it(`${RUNS} runs end once each while server, database and engine are killed (SODATE_CHAOS_SEED=${seed})`, { timeout: 1_800_000 }, async () => {
    if (typeof engine === 'string') throw new Error(engine);
    await provideTestImages(engine.docker);
    const registry = await provideTestRegistry({ withPassword: false });
    cleanUps.push(() => registry.close());
    const pulled = await provideChaosImages(engine, registry, PULLED_IMAGES);
    const { home, installation, counts, faults, exitCode } = await runChaos({
      seed,
      runs: RUNS,
      strikes: STRIKES,
      environment: {
        SODATE_EXECUTORS: 'local,docker',
        DOCKER_HOST: engine.host,
        SODATE_JOB_PORT: String(await freePort()),
        SODATE_DOCKER_NETWORKS: '10.214.0.0/16',
        SODATE_IMAGE_BUDGET_GB: String((pulled.bytesOfOne * IMAGES_IN_BUDGET) / 1e9),
      },
      engine,
      images: [TEST_IMAGES.bash, TEST_IMAGES.bash, ...pulled.names],
      untilAtRest: async (id, folder) => {
        await until('no container of ours is left', async () => (await findContainers(engine.docker, id)).length === 0, REST_PATIENCE_MS);
        // The next inventory at the latest clears away what a struck engine could not remove.
        const present = async (): Promise<number> => (await presentImages(engine, pulled.names)).length;
        await until('the images fit their budget', async () => (await present()) <= Math.floor(IMAGES_IN_BUDGET), REST_PATIENCE_MS).catch(
          async (error: unknown) => {
            throw new Error(await describeImages(engine, folder), { cause: error });
          },
        );
      },
      cleanUps,
    });
    console.log(`starts that the engine left unfinished: ${await endStuckStarts(home)}`);
    const present = await presentImages(engine, pulled.names);
    const left = [...(await findTraces(home, installation)), ...(await findDockerTraces({ docker: engine.docker, home, installation }))];
    expect({ faults, left, exitCode }).toEqual({ faults: [], left: [], exitCode: 0 });
    expect(present.length).toBeLessThanOrEqual(Math.floor(IMAGES_IN_BUDGET));
    expect(counts.strikes).toBeGreaterThanOrEqual(30);
    expect(counts.engine).toBeGreaterThan(0);
  });
});
