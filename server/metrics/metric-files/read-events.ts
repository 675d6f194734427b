import { cleanName, cleanText } from '#metrics/clean-name.ts';
import type { NewItem } from '#metrics/append-items.ts';
import type { NewPoint } from '#metrics/append-points.ts';
import { type EventValue, parseEvent } from '#metrics/event-files/parse-event.ts';
import { FRAME_BYTES, splitRecords } from '#metrics/event-files/split-records.ts';
import { breathe } from '#metrics/breathe.ts';
import { type FilePart, PART_BYTES, PART_POINTS, SLICE_BYTES } from '#metrics/metric-files/file-part.ts';
import { AT_LIMIT, PARAMETER_VALUE_LIMIT, STEP_LIMIT } from '#metrics/metric-limits.ts';
import type { Parameter } from '#metrics/parameter-store.ts';
import type { FileHandle } from 'node:fs/promises';

interface Ask {
  readonly path: string;
  readonly from: number;
  /** As large as the file is now. */
  readonly size: number;
  /** Milliseconds since 1970, for events without an instant. */
  readonly now: number;
  /** Nothing writes to it any more: what is not whole now never will be. */
  readonly ended: boolean;
}

/** Reads on in an event file. A record that is half-written waits; one that is damaged is left out and counted. */
export async function readEvents(file: FileHandle, ask: Ask): Promise<FilePart> {
  const found = { points: [] as NewPoint[], items: [] as NewItem[], parameters: [] as Parameter[], damaged: 0 };
  let offset = ask.from;
  let wanted = SLICE_BYTES;
  const stopAt = ask.from + PART_BYTES;
  while (offset < ask.size && offset < stopAt && found.points.length < PART_POINTS) {
    const buffer = await readAt(file, offset, Math.min(Math.max(wanted, SLICE_BYTES), ask.size - offset));
    const split = splitRecords(buffer, ask.size - offset);
    found.damaged += split.damaged;
    for (const { start, bytes } of split.records) take(bytes, { ...ask, from: offset + start }, found);
    offset += split.consumed;
    if (split.end === 'lost' || (split.end === 'hole' && ask.ended)) {
      const givenUp = `no record begins at byte ${offset}: the rest of the file cannot be read`;
      return { ...found, damaged: found.damaged + 1, malformed: 0, offset, givenUp, more: false };
    }
    // In a hole, and in a record that is not there in full, what follows comes with a later look.
    if (split.end === 'hole' || split.needs > ask.size - offset || buffer.length < FRAME_BYTES)
      return { ...found, malformed: 0, offset, givenUp: null, more: false };
    wanted = split.needs;
    await breathe();
  }
  return { ...found, malformed: 0, offset, givenUp: null, more: offset < ask.size };
}

export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done);
    // Cut while it was being read.
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

type Found = Record<'points', NewPoint[]> & Record<'items', NewItem[]> & Record<'parameters', Parameter[]> & { damaged: number };

/** `from`: where the event's bytes begin in the file. */
function take(bytes: Uint8Array, ask: Ask, found: Found): void {
  try {
    const event = parseEvent(bytes);
    if (!Number.isSafeInteger(event.step) || Math.abs(event.step) > STEP_LIMIT) throw new Error('a step beyond all steps');
    const at = event.at === null || event.at > AT_LIMIT ? ask.now : event.at;
    for (const value of event.values) addValue(value, { step: event.step, at }, ask, found);
    for (const { name, value } of event.parameters) {
      const clean = cleanName(name);
      if (clean === null || value.length > PARAMETER_VALUE_LIMIT) found.damaged += 1;
      else found.parameters.push({ name: clean, value: cleanText(value) });
    }
  } catch {
    // Whole by its checksum, and yet no event: written by something else, or to see what happens.
    found.damaged += 1;
  }
}

function addValue(value: EventValue, when: { readonly step: number; readonly at: number }, ask: Ask, found: Found): void {
  const series = cleanName(value.tag);
  if (series === null) found.damaged += 1;
  else if (value.kind === 'scalar') found.points.push({ series, ...when, value: value.value });
  else if (value.kind === 'histogram') found.items.push({ kind: 'histogram', series, ...when, summary: value.histogram, place: null });
  else {
    const place = { path: ask.path, offset: ask.from + value.start, length: value.length };
    found.items.push({ kind: value.kind, series, ...when, summary: value.kind === 'image' ? { type: value.type } : {}, place });
  }
}
