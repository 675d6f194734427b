import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogCheckpoint } from '../executor.ts';
import { type LogEntry, makeFrameParser } from './log-frames.ts';
import { makeLogPosition } from './log-position.ts';

/** What an engine has written: in this order, with stamps in milliseconds. */
interface Written {
  readonly stream: 1 | 2;
  readonly ms: number;
  readonly text: Buffer;
}

const BEGINNING: LogCheckpoint = { offset: 0, engineTime: null, entriesAtTime: 0 };
const START_MS = Date.parse('2026-01-01T00:00:00Z');

const frame = ({ stream, ms, text }: Written): Buffer => {
  const payload = Buffer.concat([Buffer.from(`${new Date(START_MS + ms).toISOString().slice(0, -1)}000000Z `), text]);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};

/** The bytes an engine sends when asked for everything from a second on. */
const served = (log: readonly Written[], since: number): Buffer =>
  Buffer.concat(log.filter(({ ms }) => START_MS + ms >= since * 1000).map((entry) => frame(entry)));

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[i % sizes.length] ?? 1);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const contentOf = ({ bytes, stampEnd, end }: LogEntry): Buffer => Buffer.from(bytes.subarray(stampEnd + 1, end));

/** Reads on from a checkpoint, at most so many new entries. */
function readOn(log: readonly Written[], from: LogCheckpoint, limit: number, sizes: readonly number[] = []): { text: Buffer; checkpoint: LogCheckpoint } {
  const position = makeLogPosition(from);
  const taken: Buffer[] = [];
  let entries = 0;
  const parse = makeFrameParser((entry) => {
    // The connection broke: what follows never came.
    if (entries >= limit) return;
    entries += 1;
    if (position.take(entry)) taken.push(contentOf(entry));
  });
  for (const piece of cut(served(log, position.since), sizes)) parse(piece);
  const text = Buffer.concat(taken);
  return { text, checkpoint: position.checkpoint(from.offset + text.length) };
}

/** Two writers with the engine's habits: parts of a long line have the stamp of its first part, and a writer may be held up. */
const logs = fc
  .array(
    fc.record({
      stream: fc.constantFrom(1 as const, 2 as const),
      gapMs: fc.oneof(fc.nat(3), fc.nat(3000), fc.nat(40_000)),
      heldUpMs: fc.oneof(fc.constant(0), fc.nat(2000)),
      ends: fc.boolean(),
      text: fc.uint8Array({ minLength: 1, maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    let ms = 0;
    const openSince = new Map<number, number>();
    return steps.map(({ stream, gapMs, heldUpMs, ends, text }): Written => {
      ms += gapMs;
      const stamp = openSince.get(stream) ?? Math.max(0, ms - heldUpMs);
      if (ends) openSince.delete(stream);
      else openSince.set(stream, stamp);
      const content = Buffer.from(text).map((byte) => (byte === 10 ? 11 : byte));
      return { stream, ms: stamp, text: ends ? Buffer.concat([content, Buffer.from('\n')]) : Buffer.from(content) };
    });
  });

const whole = (log: readonly Written[]): Buffer => Buffer.concat(log.map(({ text }) => text));

describe('the frames of a log', () => {
  it('are the same however the bytes are cut', () => {
    fc.assert(
      fc.property(logs, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (log, sizes) => {
        const { text } = readOn(log, BEGINNING, Infinity, sizes);
        expect(text.equals(whole(log))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('are refused when they are none', () => {
    const parse = (): void => makeFrameParser(() => {})(Buffer.from('HTTP/1.1 500 Internal'));
    expect(parse).toThrow('no frame');
    const noTime = Buffer.from([1, 0, 0, 0, 0, 0, 0, 3, 0x61, 0x62, 0x63]);
    expect(() => makeFrameParser(() => {})(noTime)).toThrow('without a time');
  });
});

describe('reading on from a checkpoint', () => {
  it('takes every byte once, wherever it was broken off, and again while it was caught up', () => {
    fc.assert(
      fc.property(logs, fc.array(fc.nat(70), { maxLength: 6 }), (log, breaks) => {
        const pieces: Buffer[] = [];
        let checkpoint = BEGINNING;
        for (const limit of [...breaks, Infinity]) {
          const read = readOn(log, checkpoint, limit);
          pieces.push(read.text);
          // As it is stored.
          checkpoint = JSON.parse(JSON.stringify(read.checkpoint)) as LogCheckpoint;
        }
        expect(Buffer.concat(pieces).equals(whole(log))).toBe(true);
        expect(checkpoint.offset).toBe(whole(log).length);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads little again: the checkpoint moves with the log', () => {
    const log = Array.from({ length: 1000 }, (_, i): Written => ({ stream: 1, ms: i * 1000, text: Buffer.from(`${i}\n`) }));
    const { checkpoint } = readOn(log, BEGINNING, Infinity);
    expect(checkpoint.engineTime).toBe(new Date(START_MS + 989_000).toISOString());
    expect(checkpoint.entriesAtTime).toBe(11);
  });

  it('does not go past a line whose end has not come', () => {
    const log: Written[] = [
      { stream: 1, ms: 0, text: Buffer.from('begin') },
      { stream: 2, ms: 60_000, text: Buffer.from('other\n') },
      { stream: 1, ms: 0, text: Buffer.from(' end\n') },
    ];
    const first = readOn(log, BEGINNING, 2);
    expect(first.checkpoint.entriesAtTime).toBe(2);
    expect(readOn(log, first.checkpoint, Infinity).text.toString()).toBe(' end\n');
  });
});
