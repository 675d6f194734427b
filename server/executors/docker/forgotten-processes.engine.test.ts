import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeDockerHarness } from './docker-harness.ts';
import { processesIn } from './forgotten-processes.ts';
import { engineOrReason } from './testing/test-engine.ts';
import { provideTestImages } from './testing/test-images.ts';

const engine = await engineOrReason();
if (typeof engine === 'string') {
  describe('a job that its engine has forgotten', () => it.skip(`is ended (skipped: ${engine})`, () => {}));
} else {
  await provideTestImages(engine.docker);
  afterAll(() => engine.close());

  describe('a job that its engine has forgotten', () => {
    it('is ended before anything of its attempt is given away', async () => {
      const harness = await makeDockerHarness(engine);
      onTestFinished(() => harness.close());
      const executor = await harness.openWith({ host: engine.host });
      const handle = await executor.start(
        harness.spec({ command: { kind: 'script', text: 'trap "" TERM; while :; do sleep 1; done' } }),
        new AbortController().signal,
      );
      const container = handle.container ?? '';
      expect((await processesIn(container)).length).toBeGreaterThan(0);
      await engine.kill();
      await rm(join(engine.folder, 'data/containers', container), { recursive: true });
      await engine.start();
      expect(await executor.observe(handle)).toMatchObject({ state: 'gone' });
      expect((await processesIn(container)).length, 'it goes on').toBeGreaterThan(0);
      await executor.remove(handle);
      expect(await processesIn(container)).toEqual([]);
    });
  });
}
