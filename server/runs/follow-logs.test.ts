import { EngineUnreachable, type Executor, type LogCheckpoint, type LogChunk } from '#executors/executor.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { makeLogFollowers } from '#runs/follow-logs.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

/** An engine's log: entries, each with its time stamp; several may share one. */
interface Entry {
  readonly time: string;
  readonly text: string;
}

const ENTRIES: readonly Entry[] = Array.from({ length: 60 }, (_, index) => ({
  // Three entries at each stamp.
  time: `2030-01-01T00:00:${String(Math.floor(index / 3)).padStart(2, '0')}.000000000Z`,
  text: `entry ${index}: ${'x'.repeat(index % 7)}\n`,
}));
const WHOLE = ENTRIES.map(({ text }) => text).join('');

/** Delivers as a real engine does: from a time stamp on, skipping what was taken at it. `fault` may throw before an entry. */
function engineWith(fault: (index: number) => void): { executor: Executor; asked: LogCheckpoint[] } {
  const asked: LogCheckpoint[] = [];
  const followLog = async function* (_handle: unknown, from: LogCheckpoint, signal: AbortSignal): AsyncGenerator<LogChunk> {
    asked.push(from);
    let { offset, engineTime, entriesAtTime } = from;
    let skip = engineTime === null ? 0 : entriesAtTime;
    for (const [index, { time, text }] of ENTRIES.entries()) {
      if (engineTime !== null && time < engineTime) continue;
      if (time === from.engineTime && skip > 0) {
        skip -= 1;
        continue;
      }
      fault(index);
      if (signal.aborted) return;
      const bytes = Buffer.from(text);
      offset += bytes.length;
      entriesAtTime = time === engineTime ? entriesAtTime + 1 : 1;
      engineTime = time;
      yield { bytes, checkpoint: { offset, engineTime, entriesAtTime } };
    }
  };
  const executor = { id: 'streaming', handleSchema: z.object({}), followLog } as Partial<Executor> as Executor;
  return { executor, asked };
}

describe('log followers', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sodate-follow-logs-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const file = (): string => path.join(folder, 'logs', 'attempt.log');
  /** Tries again at once, and has all patience. */
  const hasty: Clock = { ...systemClock, sleep: (ms, signal) => (ms < 10_000 ? Promise.resolve() : systemClock.sleep(ms, signal)) };
  const followers = (clock = hasty) => makeLogFollowers({ clock, log: silentLog });

  it('bring every byte into the file', async () => {
    const { executor } = engineWith(() => {});
    const followed = followers();
    expect(await followed.complete('a', executor, {}, file())).toBe(true);
    expect(await readFile(file(), 'utf8')).toBe(WHOLE);
    await followed.close();
  });

  it('neither lose nor double a byte when the engine breaks off, again and again, at every entry', async () => {
    const broken = new Set<number>();
    const { executor, asked } = engineWith((index) => {
      if (broken.has(index)) return;
      broken.add(index);
      throw new EngineUnreachable('broken off');
    });
    const followed = followers();
    expect(await followed.complete('a', executor, {}, file())).toBe(true);
    expect(await readFile(file(), 'utf8')).toBe(WHOLE);
    expect(asked).toHaveLength(ENTRIES.length + 1);
    await followed.close();
  });

  it('cut the file to the last checkpoint after a death, and go on from there', async () => {
    const first = followers();
    const { executor } = engineWith((index) => {
      if (index === 40) throw new EngineUnreachable('away for good');
    });
    first.follow('a', executor, {}, file());
    await expect.poll(() => readFile(file(), 'utf8').catch(() => '')).toContain('entry 39');
    await first.close();
    // What a dying server had written beyond its last checkpoint, with a piece cut off in the middle.
    const checkpoint = {
      offset: Buffer.byteLength(
        ENTRIES.slice(0, 20)
          .map(({ text }) => text)
          .join(''),
      ),
      engineTime: ENTRIES[19]?.time ?? '',
      entriesAtTime: 2,
    };
    await writeFile(`${file()}.checkpoint`, JSON.stringify(checkpoint));
    await writeFile(file(), (await readFile(file(), 'utf8')).slice(0, -3));

    const second = followers();
    const whole = engineWith(() => {});
    expect(await second.complete('a', whole.executor, {}, file())).toBe(true);
    expect(whole.asked).toEqual([checkpoint]);
    expect(await readFile(file(), 'utf8')).toBe(WHOLE);
    await second.close();
  });

  it('begin again when the checkpoint is unreadable or the file shorter than it says', async () => {
    for (const content of ['{"offset":', JSON.stringify({ offset: 1_000_000, engineTime: ENTRIES[9]?.time, entriesAtTime: 1 })]) {
      const { executor } = engineWith(() => {});
      const followed = followers();
      await followed.complete('a', executor, {}, file());
      await writeFile(`${file()}.checkpoint`, content);
      followed.letGo('a');
      expect(await followed.complete('a', executor, {}, file())).toBe(true);
      expect(await readFile(file(), 'utf8')).toBe(WHOLE);
      await followed.close();
    }
  });

  it('leave a log that is none to itself after some tries, so that the run can end', async () => {
    const { executor, asked } = engineWith((index) => {
      if (index === 5) throw new Error('no log at all');
    });
    const followed = followers();
    expect(await followed.complete('a', executor, {}, file())).toBe(true);
    expect(asked).toHaveLength(10);
    expect(await readFile(file(), 'utf8')).toBe(
      ENTRIES.slice(0, 5)
        .map(({ text }) => text)
        .join(''),
    );
    await followed.close();
  });

  it('read the rest anew where the engine does not end the log of a job that has ended, with more patience each time', async () => {
    const { executor, asked } = engineWith(() => {});
    let isStuck = false;
    const followLog: Executor['followLog'] = async function* (handle, from, signal) {
      const chunks = executor.followLog?.(handle, from, signal) ?? [];
      let taken = 0;
      for await (const chunk of chunks) {
        yield chunk;
        taken += 1;
        if (taken === 20 && asked.length < 3) break;
      }
      if (asked.length >= 3) return;
      isStuck = true;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      isStuck = false;
    };
    const patience = new Set<number>();
    const clock: Clock = {
      ...systemClock,
      async sleep(ms, signal) {
        patience.add(ms);
        while (signal?.aborted !== true && !isStuck) await systemClock.sleep(1);
      },
    };
    const followed = followers(clock);
    expect(await followed.complete('a', { ...executor, followLog }, {}, file())).toBe(true);
    expect(await readFile(file(), 'utf8')).toBe(WHOLE);
    expect(asked).toHaveLength(3);
    expect([...patience].slice(0, 3)).toEqual([10_000, 20_000, 40_000]);
    await followed.close();
  });

  it('stop waiting when they are closed', async () => {
    const { executor } = engineWith((index) => {
      if (index === 5) throw new EngineUnreachable('away');
    });
    const followed = makeLogFollowers({ clock: systemClock, log: silentLog });
    const waiting = followed.complete('a', executor, {}, file());
    await followed.close();
    expect(await waiting).toBe(false);
  });
});
