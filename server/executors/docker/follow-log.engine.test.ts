import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import type { Executor, LaunchSpec, LogCheckpoint, LogChunk } from '../executor.ts';
import { type DockerHarness, LOG_BEGINNING, makeDockerHarness, readWholeLog } from './docker-harness.ts';
import type { DockerHandle } from './docker-handle.ts';
import { engineOrReason, type TestEngine } from './testing/test-engine.ts';
import { provideTestImages } from './testing/test-images.ts';

const engine = await engineOrReason();
if (typeof engine === 'string') {
  describe('logs of the Docker executor', () => it.skip(`are followed (skipped: ${engine})`, () => {}));
} else {
  await provideTestImages(engine.docker);
  afterAll(() => engine.close());
  describeLogs(engine);
}

const LINES = 1_000_000;
const never = (): AbortSignal => new AbortController().signal;
const script = (text: string): LaunchSpec['command'] => ({ kind: 'script', text });

function describeLogs(on: TestEngine): void {
  describe('logs of the Docker executor', () => {
    let harness: DockerHarness;
    let executor: Executor<DockerHandle>;
    beforeEach(async () => {
      harness = await makeDockerHarness(on);
      executor = await harness.openWith({ host: on.host });
    });
    afterEach(() => harness.close());
    const follow = (handle: DockerHandle, from: LogCheckpoint = LOG_BEGINNING, signal = never()): AsyncIterable<LogChunk> => {
      if (!executor.followLog) throw new Error('It has no log to be followed');
      return executor.followLog(handle, from, signal);
    };
    const ended = async (handle: DockerHandle): Promise<void> => {
      for (let tries = 0; (await executor.observe(handle)).state !== 'exited'; tries += 1) {
        if (tries > 6000) throw new Error('It does not end');
        await systemClock.sleep(10);
      }
    };

    it('a million lines arrive while they are written, each once and in order', async () => {
      const spec = {
        ...harness.spec({ command: script(`seq -f 'line %07.0f of a million, with some text in it' ${LINES}`) }),
        limits: { cpuMilli: 2000, memoryBytes: 2 ** 28, pids: 64 },
      };
      const handle = await executor.start(spec, never());
      const got = createHash('sha256');
      let bytes = 0;
      let lines = 0;
      let last = LOG_BEGINNING;
      for await (const chunk of follow(handle)) {
        got.update(chunk.bytes);
        bytes += chunk.bytes.length;
        const buffer = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.length);
        for (let at = buffer.indexOf(10); at >= 0; at = buffer.indexOf(10, at + 1)) lines += 1;
        expect(chunk.checkpoint.offset).toBe(bytes);
        last = chunk.checkpoint;
      }
      const expected = createHash('sha256');
      for (let i = 1; i <= LINES; i += 1) expected.update(`line ${String(i).padStart(7, '0')} of a million, with some text in it\n`);
      expect(lines).toBe(LINES);
      expect(got.digest('hex')).toBe(expected.digest('hex'));
      expect((await readWholeLog(executor, handle, last)).length).toBe(0);
    }, 180_000);

    it('from any checkpoint on, the rest is the rest', async () => {
      const text =
        'i=0; while [ $i -lt 60 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done; head -c 50000 /dev/urandom; echo; printf %040000d 7; echo tail; head -c 300 /dev/urandom';
      const handle = await executor.start(harness.spec({ command: script(text) }), never());
      await ended(handle);
      const whole = await readWholeLog(executor, handle);
      expect(whole.length).toBeGreaterThan(90_000);
      const checkpoints: LogCheckpoint[] = [LOG_BEGINNING];
      // A reader that is cut off after every chunk has a checkpoint for each.
      for await (const { checkpoint } of follow(handle)) checkpoints.push(checkpoint);
      for (const from of checkpoints) {
        const rest = await readWholeLog(executor, handle, JSON.parse(JSON.stringify(from)) as LogCheckpoint);
        expect(rest.equals(whole.subarray(from.offset))).toBe(true);
      }
    });

    it('a reader that is cut off again and again while the job writes misses nothing', async () => {
      const handle = await executor.start(harness.spec({ command: script('for i in $(seq 400); do echo "line $i"; sleep 0.01; done') }), never());
      const pieces: Uint8Array[] = [];
      let at = LOG_BEGINNING;
      let cuts = 0;
      for (let over = false; !over;) {
        over = true;
        const cut = new AbortController();
        for await (const { bytes, checkpoint } of follow(handle, at, cut.signal)) {
          pieces.push(bytes);
          at = checkpoint;
          // By bytes, some 3,500 in all: how many lines come in one piece is the machine's business.
          if (at.offset < (cuts + 1) * 400) continue;
          cuts += 1;
          over = false;
          cut.abort();
        }
      }
      expect(cuts).toBeGreaterThan(3);
      expect(Buffer.concat(pieces).toString()).toBe(Array.from({ length: 400 }, (_, i) => `line ${i + 1}\n`).join(''));
    });

    it('a slow reader does not slow the job', async () => {
      const handle = await executor.start(harness.spec({ command: script('seq -f "line %09g" 300000; echo done') }), never());
      const reading = follow(handle)[Symbol.asyncIterator]();
      const first = (await reading.next()).value as LogChunk;
      // Nobody reads now, and the job comes to its end.
      await ended(handle);
      const pieces = [first.bytes];
      for (let next = await reading.next(); !next.done; next = await reading.next()) pieces.push(next.value.bytes);
      const text = Buffer.concat(pieces).toString();
      expect(text.length).toBe(300_000 * 15 + 5);
      expect(text.endsWith('line 000300000\ndone\n')).toBe(true);
    });

    it('what is written before anybody follows is there, and a removed attempt ends its reader', async () => {
      const handle = await executor.start(harness.spec({ command: script('echo early; sleep 300') }), never());
      const reading = follow(handle)[Symbol.asyncIterator]();
      expect(Buffer.from(((await reading.next()).value as LogChunk).bytes).toString()).toBe('early\n');
      await executor.remove(handle);
      expect((await reading.next()).done).toBe(true);
    });

    it('the engine is killed and started again while the job writes: it goes on, and so does its reader', async () => {
      // Writes while the engine is away, and does not end before it is back.
      const command = script(
        'for i in $(seq 200); do echo "line $i"; sleep 0.05; [ $i -ne 60 ] || until [ -e /kqi/output/go ]; do sleep 0.05; done; done; exit 9',
      );
      const spec = harness.spec({ command });
      const handle = await executor.start(spec, never());
      const pieces: Uint8Array[] = [];
      let at = LOG_BEGINNING;
      const reader = async (): Promise<void> => {
        for (let over = false; !over;) {
          try {
            for await (const { bytes, checkpoint } of follow(handle, at)) {
              pieces.push(bytes);
              at = checkpoint;
            }
            over = true;
          } catch {
            await systemClock.sleep(50);
          }
        }
      };
      const reading = reader();
      while (at.offset < 200) await systemClock.sleep(10);
      await on.kill();
      await expect(executor.observe(handle)).rejects.toThrow('does not answer');
      await on.start();
      expect(await executor.observe(handle)).toEqual({ state: 'running' });
      await writeFile(join(harness.folder, 'stage', spec.attempt, 'output/go'), '');
      await reading;
      expect(await executor.observe(handle)).toMatchObject({ state: 'exited', exit: { code: 9 } });
      expect(Buffer.concat(pieces).toString()).toBe(Array.from({ length: 200 }, (_, i) => `line ${i + 1}\n`).join(''));
    });
  });
}
