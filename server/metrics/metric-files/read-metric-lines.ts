import { breathe } from '#metrics/breathe.ts';
import { type FilePart, PART_BYTES, PART_POINTS, SLICE_BYTES } from '#metrics/metric-files/file-part.ts';
import { readAt } from '#metrics/metric-files/read-events.ts';
import { LINE_BYTES_LIMIT, parseMetricLines } from '#metrics/parse-metric-lines.ts';
import type { NewPoint } from '#metrics/append-points.ts';
import type { FileHandle } from 'node:fs/promises';

const NEWLINE = 0x0a;

/** Reads on in `metrics.jsonl`. A line without its end waits; the last one of a file that has ended needs none. */
export async function readMetricLines(
  file: FileHandle,
  ask: { readonly from: number; readonly size: number; readonly now: number; readonly ended: boolean },
): Promise<FilePart> {
  const points: NewPoint[] = [];
  let malformed = 0;
  let offset = ask.from;
  const stopAt = ask.from + PART_BYTES;
  const part = (more: boolean): FilePart => ({ points, items: [], parameters: [], malformed, damaged: 0, offset, givenUp: null, more });
  while (offset < ask.size && offset < stopAt && points.length < PART_POINTS) {
    const buffer = await readAt(file, offset, Math.min(SLICE_BYTES, ask.size - offset));
    if (buffer.length === 0) return part(false);
    const isRest = offset + buffer.length >= ask.size;
    const lastEnd = buffer.lastIndexOf(NEWLINE) + 1;
    const whole = isRest && ask.ended ? buffer.length : lastEnd;
    if (whole === 0 && isRest && buffer.length < LINE_BYTES_LIMIT) return part(false);
    if (whole === 0) {
      // A line longer than any: this stretch of it is passed over, and so is its rest, which counts as well.
      malformed += 1;
      offset += buffer.length;
    } else {
      const read = parseMetricLines(buffer.toString('utf8', 0, whole).split('\n'), ask.now);
      // Not spread into arguments: a slice may have more points than a call takes arguments.
      for (const point of read.points) points.push(point);
      malformed += read.malformed;
      offset += whole;
      if (whole < buffer.length && isRest) return part(false);
    }
    await breathe();
  }
  return part(offset < ask.size);
}
