import type { LogCheckpoint } from '../executor.ts';
import type { LogEntry } from './log-frames.ts';

/**
 * Where a reader of an engine's log stands, so that it can be taken up again without a byte lost or doubled.
 *
 * The engine can be asked for entries from a time on. They come in the order in which they were written, which is not quite
 * that of their stamps: a long line is cut into parts that all have the stamp of the first, while the other stream goes
 * on; and two streams are stamped and written by two threads. So the checkpoint is a whole second from which on every entry
 * that was not taken is stamped, and the number of entries from there on that were. It lies a margin behind the newest
 * entry, and not behind a line whose end has not come; what lies between is read again, and skipped by number.
 */
export interface LogPosition {
  /** Seconds since 1970 to ask the engine from; 0 = everything. */
  readonly since: number;
  /** True when its bytes are new, false when an earlier reader had them. */
  take(entry: LogEntry): boolean;
  /** Where to go on after what was taken. */
  checkpoint(offset: number): LogCheckpoint;
}

/** More than a thread of the engine is held up between stamping an entry and writing it, or a clock is set back by in steps. */
const MARGIN_SECONDS = 10;
/** `2026-11-22T02:18:09`: what is behind it is the fraction. */
const SECOND_BYTES = 19;
const LINE_END = 0x0a;

export function makeLogPosition(from: LogCheckpoint): LogPosition {
  const asked = from.engineTime === null ? 0 : Math.floor(Date.parse(from.engineTime) / 1000);
  const toSkip = from.entriesAtTime;
  let since = asked;
  let seen = 0;
  /** Entries taken, by second, from `since` on. */
  const counts = new Map<number, number>();
  let countedFromSince = 0;
  let newest = 0;
  const openLines = new Map<number, number>();
  let lastText = '';
  let lastSecond = 0;

  const secondOf = ({ bytes, stampStart }: LogEntry): number => {
    const text = bytes.toString('latin1', stampStart, stampStart + SECOND_BYTES);
    if (text !== lastText) {
      const ms = Date.parse(`${text}Z`);
      if (Number.isNaN(ms)) throw new Error(`The engine sent a log entry with the time ${JSON.stringify(text)}.`);
      lastText = text;
      lastSecond = ms / 1000;
    }
    return lastSecond;
  };

  const advance = (): void => {
    if (seen < toSkip) return;
    const safe = Math.min(newest - MARGIN_SECONDS, ...openLines.values());
    if (safe <= since) return;
    for (const [second, count] of counts) {
      if (second >= safe) continue;
      countedFromSince -= count;
      counts.delete(second);
    }
    since = safe;
  };

  return {
    since: asked,
    take(entry) {
      const second = secondOf(entry);
      if (second >= since) {
        counts.set(second, (counts.get(second) ?? 0) + 1);
        countedFromSince += 1;
      }
      if (second > newest) newest = second;
      if (entry.bytes[entry.end - 1] === LINE_END && entry.end - 1 > entry.stampEnd) {
        if (openLines.size > 0) openLines.delete(entry.stream);
      } else if (!openLines.has(entry.stream)) openLines.set(entry.stream, second);
      seen += 1;
      return seen > toSkip;
    },
    checkpoint(offset) {
      advance();
      // Broken off while skipping: the next reader has to skip as many.
      const entriesAtTime = seen < toSkip ? toSkip : countedFromSince;
      return { offset, engineTime: since === 0 ? null : new Date(since * 1000).toISOString(), entriesAtTime };
    },
  };
}
