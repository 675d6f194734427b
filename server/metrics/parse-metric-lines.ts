import { readPythonJson } from '#kit/read-python-json.ts';
import { cleanName } from '#metrics/clean-name.ts';
import type { NewPoint } from '#metrics/append-points.ts';
import { AT_LIMIT, STEP_LIMIT } from '#metrics/metric-limits.ts';

/** What some lines of `metrics.jsonl` came to. */
export interface MetricLines {
  readonly points: readonly NewPoint[];
  /** Lines that are no JSON object with a step, and names that are too long. */
  readonly malformed: number;
}

/** Bytes; a line has some hundred numbers at most, or it is no line of metrics. */
export const LINE_BYTES_LIMIT = 256 * 1024;

/**
 * Reads lines such as `{"step": 1, "loss": 0.5, "time": 1700000000.5}`. `step` is a whole number; `time`, if given, is in
 * seconds since 1970 as Python's `time.time()` has it, or a date and time in ISO 8601; every other number is a point of the
 * series of that name. NaN and infinities may stand as Python's `json` writes them (`NaN`, `-Infinity`) or as such strings;
 * true and false, other texts, lists and objects are passed over.
 * @param now milliseconds since 1970, for lines without a time
 */
export function parseMetricLines(lines: readonly string[], now: number): MetricLines {
  const points: NewPoint[] = [];
  let malformed = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    const read = readObject(line);
    const step = read?.['step'];
    if (read === null || typeof step !== 'number' || !Number.isSafeInteger(step) || Math.abs(step) > STEP_LIMIT) {
      malformed += 1;
      continue;
    }
    const at = readTime(read['time'], now);
    for (const [key, given] of Object.entries(read)) {
      if (key === 'step' || key === 'time') continue;
      const value = readNumber(given);
      if (value === null) continue;
      const series = cleanName(key);
      if (series === null) malformed += 1;
      else points.push({ series, step, at, value });
    }
  }
  return { points, malformed };
}

function readObject(line: string): Readonly<Record<string, unknown>> | null {
  const value = readOrNull(line);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function readOrNull(line: string): unknown {
  try {
    return readPythonJson(line);
  } catch {
    return null;
  }
}

const SPECIAL: ReadonlySet<unknown> = new Set(['NaN', 'Infinity', '-Infinity']);

const readNumber = (value: unknown): number | null => (typeof value === 'number' ? value : SPECIAL.has(value) ? Number(value) : null);

function readTime(value: unknown, now: number): number {
  const at = typeof value === 'number' ? Math.round(value * 1000) : typeof value === 'string' ? Date.parse(value) : now;
  return at >= 0 && at <= AT_LIMIT ? at : now;
}
