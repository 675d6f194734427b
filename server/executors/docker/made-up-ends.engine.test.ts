import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import type { Executor, Observation } from '../executor.ts';
import type { DockerHandle } from './docker-handle.ts';
import { makeDockerHarness } from './docker-harness.ts';
import { endProcessesIn, processesIn } from './forgotten-processes.ts';
import { engineOrReason } from './testing/test-engine.ts';
import { provideTestImages } from './testing/test-images.ts';

const engine = await engineOrReason();
if (typeof engine === 'string') {
  describe('an end that the engine has not seen', () => it.skip(`is told from one that it has (skipped: ${engine})`, () => {}));
} else {
  await provideTestImages(engine.docker);
  afterAll(() => engine.close());

  interface Job {
    readonly executor: Executor<DockerHandle>;
    readonly handle: DockerHandle;
    readonly container: string;
    /** What it has written to this file of its output. */
    output(name: string): Promise<string | null>;
  }
  const startJob = async (script: string): Promise<Job> => {
    const harness = await makeDockerHarness(engine);
    onTestFinished(() => harness.close());
    const executor = await harness.openWith({ host: engine.host });
    const handle = await executor.start(harness.spec({ command: { kind: 'script', text: script } }), new AbortController().signal);
    if (handle.container === null) throw new Error('It has no container.');
    return { executor, handle, container: handle.container, output: (name) => harness.output(handle.attempt, name) };
  };
  const observeEnd = async (executor: Executor<DockerHandle>, handle: DockerHandle): Promise<Observation> => {
    const endBy = Date.now() + 20_000;
    for (;;) {
      const seen = await executor.observe(handle);
      if (seen.state === 'exited' || Date.now() > endBy) return seen;
      await sleep(50);
    }
  };
  /** Ends the container behind the back of an engine that is away, and lets the engine's runtime forget it. */
  const endForgotten = async (container: string): Promise<void> => {
    const [first = 0] = await processesIn(container);
    const shim = Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${first}/status`, 'utf8'))?.[1]);
    process.kill(shim, 'SIGKILL');
    await endProcessesIn(container, systemClock);
    await rm(join(engine.folder, 'exec/containerd/daemon/io.containerd.runtime.v2.task/moby', container), { recursive: true });
    await rm(join(engine.folder, 'data/containerd/daemon/io.containerd.metadata.v1.bolt/meta.db'));
  };

  describe('an end that the engine has not seen', () => {
    it('is nobody’s success, though the engine says so', async () => {
      const { executor, handle, container } = await startJob('sleep 1000');
      await engine.kill();
      await endForgotten(container);
      await engine.start();
      const { State } = await engine.docker.getContainer(container).inspect();
      expect({ status: State.Status, code: State.ExitCode }, 'what the engine says').toEqual({ status: 'exited', code: 0 });
      expect(await executor.observe(handle)).toMatchObject({ state: 'exited', exit: { code: null, failure: { class: 'node-lost' } } });
    });

    it.each([0, 255])('is told from one that it has seen soon after its start, with code %i', async (code) => {
      const { executor, handle, container, output } = await startJob(`trap 'exit ${code}' USR1; echo yes >/kqi/output/trapped; while :; do sleep 0.1; done`);
      await expect.poll(() => output('trapped'), { interval: 50 }).toBe('yes\n');
      await engine.kill();
      await engine.start();
      expect(await executor.observe(handle)).toMatchObject({ state: 'running' });
      await engine.docker.getContainer(container).kill({ signal: 'SIGUSR1' });
      expect(await observeEnd(executor, handle)).toMatchObject({ state: 'exited', exit: { code, failure: null } });
    });
  });
}
