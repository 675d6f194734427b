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
  const counts = new Map<number, { entries: number }>();
  let countedFromSince = 0;
  let newest = 0;
  const openLines = new Map<number, number>();
  /** Of the entry before: most entries have its second, and some bytes are compared faster than a date is read. */
  const lastText = Buffer.alloc(SECOND_BYTES);
  let lastSecond = 0;
  let lastCount: { entries: number } | null = null;

  const hasLastSecond = ({ bytes, stampStart }: LogEntry): boolean => {
    for (let i = SECOND_BYTES - 1; i >= 0; i -= 1) if (bytes[stampStart + i] !== lastText[i]) return false;
    return true;
  };
  const secondOf = (entry: LogEntry): number => {
    if (hasLastSecond(entry)) return lastSecond;
    const { bytes, stampStart } = entry;
    const text = bytes.toString('latin1', stampStart, stampStart + SECOND_BYTES);
    const ms = Date.parse(`${text}Z`);
    if (Number.isNaN(ms)) throw new Error(`The engine sent a log entry with the time ${JSON.stringify(text)}.`);
    lastText.write(text, 'latin1');
    lastSecond = ms / 1000;
    lastCount = null;
    return lastSecond;
  };
  const countOf = (second: number): { entries: number } => {
    const known = counts.get(second) ?? { entries: 0 };
    counts.set(second, known);
    return known;
  };

  const advance = (): void => {
    if (seen < toSkip) return;
    const safe = Math.min(newest - MARGIN_SECONDS, ...openLines.values());
    if (safe <= since) return;
    for (const [second, count] of counts) {
      if (second >= safe) continue;
      countedFromSince -= count.entries;
      counts.delete(second);
    }
    // What it pointed to may have been deleted.
    lastCount = null;
    since = safe;
  };

  return {
    since: asked,
    take(entry) {
      const second = secondOf(entry);
      if (second >= since) {
        lastCount ??= countOf(second);
        lastCount.entries += 1;
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
