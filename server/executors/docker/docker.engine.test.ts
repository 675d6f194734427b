import { afterAll, describe, it } from 'vitest';
import { describeExecutorConformance } from '../executor-conformance.ts';
import { makeDockerHarness } from './docker-harness.ts';
import { engineOrReason } from './testing/test-engine.ts';
import { provideTestImages } from './testing/test-images.ts';

const engine = await engineOrReason();
if (typeof engine === 'string') {
  describe('docker', () => it.skip(`keeps the executor port's promises (skipped: ${engine})`, () => {}));
} else {
  await provideTestImages(engine.docker);
  afterAll(() => engine.close());
  describeExecutorConformance('docker', () => makeDockerHarness(engine));
}
