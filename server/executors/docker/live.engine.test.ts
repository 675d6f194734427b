import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { type Executor, isEngineUnreachable, isStartRefused, type LaunchSpec } from '../executor.ts';
import { takeTurn, attemptFolder, thisProcess } from './attempt-folder.ts';
import { type DockerHarness, makeDockerHarness, readWholeLog } from './docker-harness.ts';
import type { DockerHandle } from './docker-handle.ts';
import { engineOrReason, type TestEngine } from './testing/test-engine.ts';
import { provideTestImages } from './testing/test-images.ts';

const engine = await engineOrReason();
if (typeof engine === 'string') {
  describe('jobs of the Docker executor', () => it.skip(`can be looked into (skipped: ${engine})`, () => {}));
} else {
  await provideTestImages(engine.docker);
  afterAll(() => engine.close());
  describeLive(engine);
}

const never = (): AbortSignal => new AbortController().signal;
const script = (text: string): LaunchSpec['command'] => ({ kind: 'script', text });

async function until<T>(what: string, ask: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T> {
  for (let tries = 0; tries < 1500; tries += 1) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    await systemClock.sleep(10);
  }
  throw new Error(`Waited in vain until ${what}`);
}

function gather(stream: Duplex): () => string {
  let text = '';
  stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  stream.on('error', () => {});
  return () => text;
}

function describeLive(on: TestEngine): void {
  describe('jobs of the Docker executor', () => {
    let harness: DockerHarness;
    let executor: Executor<DockerHandle>;
    beforeEach(async () => {
      harness = await makeDockerHarness(on);
      executor = await harness.openWith({});
    });
    afterEach(() => harness.close());
    const started = async (text: string, more: Partial<LaunchSpec> = {}): Promise<DockerHandle> => {
      const spec = { ...harness.spec({ command: script(`echo yes >/kqi/output/ready; ${text}`) }), ...more };
      const handle = await executor.start(spec, never());
      await until('the job is ready', () => harness.output(spec.attempt, 'ready'));
      return handle;
    };
    const open = (handle: DockerHandle, ...command: string[]) => {
      if (!executor.openTerminal) throw new Error('It has no terminals');
      return executor.openTerminal(handle, command, { columns: 101, rows: 31 });
    };
    /** How many processes `sleep <seconds>` the one container has. */
    const sleepers = async (seconds: string): Promise<number> => {
      const { Processes } = await on.docker.getContainer((await on.docker.listContainers())[0]?.Id ?? '').top({ ps_args: '-eo pid,args' });
      return (Processes as string[][]).filter((words) => words.slice(1).join(' ').trim() === `sleep ${seconds}`).length;
    };

    it('a terminal shows what is typed, has its size, can be resized, and tells the exit code', async () => {
      const handle = await started('sleep 300');
      const terminal = await open(handle, 'sh');
      const shown = gather(terminal.stream);
      terminal.stream.write('stty size; tty; echo "sum $((40 + 2))"\n');
      await until('the answer is shown', () => /31 101/.test(shown()) && /sum 42/.test(shown()) && /\/dev\/pts/.test(shown()));
      await terminal.resize({ columns: 77, rows: 22 });
      terminal.stream.write('stty size\n');
      await until('the new size is shown', () => /22 77/.test(shown()));
      terminal.stream.write('exit 7\n');
      expect(await terminal.exited).toBe(7);
      await terminal.close();
      expect(await executor.observe(handle)).toEqual({ state: 'running' });
    });

    it('closing a terminal ends its command, however much it resists, and what it started', async () => {
      const handle = await started('sleep 300');
      const terminal = await open(handle, 'bash', '-c', 'trap : TERM HUP INT; sleep 7301 & while :; do sleep 7302; done');
      gather(terminal.stream);
      await until('it runs', async () => (await sleepers('7301')) === 1 && (await sleepers('7302')) === 1);
      await terminal.close();
      expect(await terminal.exited).toBeNull();
      await until('it is gone', async () => (await sleepers('7301')) === 0 && (await sleepers('7302')) === 0);
      await terminal.close();
      expect(await executor.observe(handle)).toEqual({ state: 'running' });
    });

    it('a client that just goes away can be cleaned up after, and a job that ends takes its terminals along', async () => {
      const handle = await started('sleep 300');
      const gone = await open(handle, 'sleep', '7303');
      gone.stream.destroy();
      await gone.close();
      await until('it is gone', async () => (await sleepers('7303')) === 0);
      const terminal = await open(handle, 'sh');
      gather(terminal.stream);
      await executor.stop(handle, 'kill');
      await terminal.exited;
      await terminal.close();
      await expect(open(handle, 'sh')).rejects.toThrow('does not run');
    });

    it('a command that is not there ends its terminal with a code', async () => {
      const handle = await started('sleep 300');
      const terminal = await open(handle, 'no-such-command');
      gather(terminal.stream);
      expect([126, 127]).toContain(await terminal.exited);
    });

    it('a port of the job answers, and one where nothing listens says so', async () => {
      const handle = await started('while :; do echo "hello from the job" | nc -l -p 8080; done');
      const connected = await until('it listens', () => executor.openPort?.(handle, 8080).catch(() => null));
      const got = gather(connected);
      await until('it greets', () => got().includes('hello from the job'));
      connected.destroy();
      await expect(executor.openPort?.(handle, 8081)).rejects.toThrow(/Nothing answers at port 8081.*0\.0\.0\.0/);
      await executor.stop(handle, 'kill');
      await until('it has ended', async () => (await executor.observe(handle)).state === 'exited');
      await expect(executor.openPort?.(handle, 8080)).rejects.toThrow('does not run');
    });

    it('usage is told while it runs', async () => {
      const handle = await started(
        'x=$(head -c 50000000 /dev/zero | tr "\\0" a); i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo yes >/kqi/output/busy; sleep 300',
      );
      await until('it was busy', () => harness.output(handle.attempt, 'busy'));
      const usage = await executor.usage?.(handle);
      expect(usage?.cpuMs).toBeGreaterThan(20);
      expect(usage?.memoryBytes).toBeGreaterThan(40_000_000);
      expect(usage?.networkReceivedBytes).toBeGreaterThanOrEqual(0);
      await executor.stop(handle, 'kill');
      await until('it has ended', async () => (await executor.observe(handle)).state === 'exited');
      expect(await executor.usage?.(handle)).toBeNull();
      await executor.remove(handle);
      expect(await executor.usage?.(handle)).toBeNull();
    });

    it('TERM reaches the program below a script, so that it can save its work while the script waits for it', async () => {
      const inner = 'trap "echo saved >/kqi/output/saved; exit 3" TERM; echo yes >/kqi/output/inner; while :; do sleep 0.05; done';
      const handle = await started(`trap : TERM; sh -c '${inner}'; exit $?`);
      await until('it runs', () => harness.output(handle.attempt, 'inner'));
      await executor.stop(handle, 'terminate');
      await until('it has ended', async () => (await executor.observe(handle)).state === 'exited');
      expect(await executor.observe(handle)).toMatchObject({ exit: { code: 3 } });
      expect(await harness.output(handle.attempt, 'saved')).toBe('saved\n');
    });

    it('the engine’s socket is not in a job, nor is anything of the machine beside its folders', async () => {
      const handle = await started('cat /proc/self/mounts; sleep 300');
      const mounts = await on.docker.getContainer(handle.container ?? '').inspect();
      expect(mounts.Mounts.map(({ Destination, RW }) => `${Destination} ${RW}`).sort()).toEqual([
        '/kqi/input false',
        '/kqi/output true',
        '/kqi/scripts/main false',
        '/kqi/tmp true',
      ]);
      await executor.stop(handle, 'kill');
      await until('it has ended', async () => (await executor.observe(handle)).state === 'exited');
      expect((await readWholeLog(executor, handle)).toString()).not.toContain('docker.sock');
    });

    it('a subfolder that points out of its place is refused', async () => {
      const base = harness.spec({ command: script('true') });
      const [mount] = base.mounts;
      if (!mount) throw new Error('There is no mount');
      const refused = executor.start({ ...base, mounts: [{ ...mount, subfolder: '../../..' }] }, never());
      await expect(refused).rejects.toSatisfy(isStartRefused);
      expect(await executor.list()).toEqual([]);
    });

    it('GPUs where the engine has no driver for them are a failure of the platform, in words', async () => {
      const refused = executor.start({ ...harness.spec({ command: script('true') }), gpus: ['GPU-none'] }, never());
      await expect(refused).rejects.toMatchObject({ failureClass: 'platform', message: expect.stringContaining('NVIDIA Container Toolkit') as string });
    });

    it('an attempt whose starter died in the middle goes on with the next start', async () => {
      const spec = harness.spec({ command: script('echo ran >>/kqi/output/ran; exit 2') });
      const abort = new AbortController();
      // Given up between making the container and starting it: `starting` is the last word before it.
      await executor.start(spec, abort.signal, ({ phase }) => phase === 'starting' && abort.abort()).catch(() => {});
      const [container] = await on.docker.listContainers({ all: true, filters: { label: [`sodate.attempt=${spec.attempt}`] } });
      expect(container?.State).toBe('created');
      expect(await harness.timesRun(spec.attempt)).toBe(0);
      // And a process that died while it had the turn.
      const { folder: state } = harness.options();
      const [installation = ''] = await readdir(state);
      const folder = attemptFolder(join(state, installation), spec.attempt);
      await expect(takeTurn(folder, { ...(await thisProcess()), startTicks: '1' }, systemClock, () => Promise.reject(new Error('died')))).rejects.toThrow(
        'died',
      );
      const handle = await executor.start(spec, never());
      await until('it has ended', async () => (await executor.observe(handle)).state === 'exited');
      expect(await harness.timesRun(spec.attempt)).toBe(1);
    });

    it('an attempt that was stopped before its container was started has ended, has no log, and is never started', async () => {
      const spec = harness.spec({ command: script('echo ran >>/kqi/output/ran') });
      const abort = new AbortController();
      await executor.start(spec, abort.signal, ({ phase }) => phase === 'starting' && abort.abort()).catch(() => {});
      const found = await until('it is listed', async () => (await executor.list()).find(({ attempt }) => attempt === spec.attempt));
      expect(await executor.observe(found.handle)).toEqual({ state: 'pending', phase: 'starting' });
      await executor.stop(found.handle, 'terminate');
      const ended = { state: 'exited', exit: { code: null, signal: 'SIGTERM', failure: null, startedAt: null, endedAt: null } };
      expect(await executor.observe(found.handle)).toEqual(ended);
      expect((await readWholeLog(executor, found.handle)).length).toBe(0);
      expect(await executor.observe(await executor.start(spec, never()))).toEqual(ended);
      expect(await harness.timesRun(spec.attempt)).toBe(0);
    });

    it('an engine that is away is unreachable, for every question', async () => {
      const handle = await started('sleep 300');
      await on.stop();
      try {
        for (const ask of [() => executor.observe(handle), () => executor.list(), () => executor.inventory(), () => executor.remove(handle)]) {
          await expect(ask()).rejects.toSatisfy(isEngineUnreachable);
        }
        const late = await harness.openWith({});
        await expect(late.inventory()).rejects.toSatisfy(isEngineUnreachable);
      } finally {
        await on.start();
      }
      expect(await executor.observe(handle)).toEqual({ state: 'running' });
      expect((await executor.inventory()).nodes[0]?.problem).toBeNull();
    });

    it('a connection that is left open holds nothing up when the executor is closed', async () => {
      const handle = await started('while :; do echo x | nc -l -p 8080; done');
      const other = await harness.openWith({});
      const reading = other.followLog?.(handle, { offset: 0, engineTime: null, entriesAtTime: 0 }, never())[Symbol.asyncIterator]();
      const waiting = reading?.next();
      await other.close();
      expect((await waiting)?.done).toBe(true);
    });
  });
}
