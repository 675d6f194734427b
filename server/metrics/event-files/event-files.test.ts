import { parseEvent } from '#metrics/event-files/parse-event.ts';
import { RECORD_BYTES_LIMIT, splitRecords } from '#metrics/event-files/split-records.ts';
import { frameBytes, frameEvent } from '#metrics/testing/frame-events.ts';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const fixture = (name: string): Buffer => readFileSync(new URL(`../testing/fixtures/${name}.tfevents.bin`, import.meta.url));
const eventsIn = (file: Buffer) => splitRecords(file).records.map(({ start, bytes }) => ({ start, ...parseEvent(bytes) }));
const valuesIn = (file: Buffer) => eventsIn(file).flatMap(({ step, at, start, values }) => values.map((value) => ({ step, at, eventAt: start, value })));

describe('event files of the usual writers', () => {
  it('are read: scalars of the older form, NaN and infinities among them, histograms, pictures, texts', () => {
    const file = fixture('tensorboardx');
    const values = valuesIn(file);
    const scalars = (tag: string) => values.flatMap(({ step, value }) => (value.kind === 'scalar' && value.tag === tag ? [[step, value.value]] : []));
    expect(scalars('loss')).toEqual([0, 1, 2, 3, 4, 5].map((step) => [step, Math.fround(1 / (step + 1))]));
    expect(scalars('odd').map(([, value]) => value)).toEqual([NaN, Infinity, -Infinity, NaN, Infinity, -Infinity]);
    expect(values[0]).toMatchObject({ at: 1_700_000_000_000 });

    const histogram = values.find(({ value }) => value.kind === 'histogram')?.value;
    expect(histogram).toMatchObject({ tag: 'weights', histogram: { min: 0, max: 0.999, count: 1000 } });
    if (histogram?.kind !== 'histogram') throw new Error('no histogram');
    expect(histogram.histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(1000);
    expect(histogram.histogram.limits.length).toBeLessThanOrEqual(64);

    const bytesOf = (kind: 'image' | 'text') => {
      const found = values.find(({ value }) => value.kind === kind);
      if (found === undefined || !('start' in found.value)) throw new Error(`no ${kind}`);
      const from = found.eventAt + found.value.start;
      return file.subarray(from, from + found.value.length);
    };
    expect(bytesOf('image').subarray(1, 4).toString()).toBe('PNG');
    expect(bytesOf('text').toString()).toBe('a *text* 本');
  });

  it('are read: scalars as tensors, parameters', () => {
    expect(valuesIn(fixture('tensorboard')).map(({ step, value }) => [step, value])).toEqual(
      [0, 1, 2, 3, 4, 5].map((step) => [step, { kind: 'scalar', tag: 'loss', value: Math.fround(1 / (step + 1)) }]),
    );
    expect(eventsIn(fixture('hparams')).flatMap(({ parameters }) => parameters)).toEqual(
      expect.arrayContaining([
        { name: 'lr', value: '0.1' },
        { name: 'optimizer', value: 'adam' },
        { name: 'nesterov', value: 'true' },
      ]),
    );
  });
});

describe('records', () => {
  const file = Buffer.concat(Array.from({ length: 20 }, (_, step) => frameEvent({ step, scalars: { loss: step } })));
  const whole = splitRecords(file).records.length;

  it('cut off anywhere: those before are there, and none is invented', () => {
    fc.assert(
      fc.property(fc.nat({ max: file.length }), (length) => {
        const { records, consumed, end, damaged } = splitRecords(file.subarray(0, length));
        const rest = splitRecords(file.subarray(consumed));
        expect(records.length + rest.records.length).toBe(whole);
        expect({ end, damaged }).toEqual({ end: 'more', damaged: 0 });
      }),
    );
  });

  it('changed anywhere: at most one is lost, or what follows, and that is told', () => {
    fc.assert(
      fc.property(fc.nat({ max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(file);
        changed[at] = (changed[at] ?? 0) ^ change;
        const { records, damaged, end, consumed } = splitRecords(changed);
        expect(records.length + damaged === whole ? damaged : end).toBe(records.length + damaged === whole ? 1 : 'lost');
        expect(consumed).toBeLessThanOrEqual(file.length);
        for (const { bytes } of records) expect(parseEvent(bytes).values).toHaveLength(1);
      }),
    );
  });

  it('that claim a size beyond the limit are stepped over, once they are there', () => {
    const large = frameBytes(Buffer.alloc(RECORD_BYTES_LIMIT + 1));
    const after = frameEvent({ step: 1, scalars: { loss: 1 } });
    expect(splitRecords(large.subarray(0, 100))).toMatchObject({ consumed: 0, needs: large.length });
    expect(splitRecords(large.subarray(0, 100), large.length)).toMatchObject({ consumed: large.length, damaged: 1 });
    expect(splitRecords(Buffer.concat([large, after]))).toMatchObject({ damaged: 1, records: [{}] });
  });

  it('zeros are a hole that may yet be filled; other bytes are no record', () => {
    expect(splitRecords(Buffer.alloc(100)).end).toBe('hole');
    expect(splitRecords(Buffer.alloc(100, 7)).end).toBe('lost');
  });
});

describe('events that are none', () => {
  const parse = (bytes: Uint8Array): unknown => {
    try {
      return parseEvent(bytes);
    } catch (error) {
      return error;
    }
  };

  it('of any bytes come to an end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(parse(bytes)).toBeDefined();
      }),
      { numRuns: 3_000 },
    );
  });

  it('of true ones with changed bytes come to an end', () => {
    const events = splitRecords(fixture('tensorboardx')).records.map(({ bytes }) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.constantFrom(...events), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 }), (event, changes) => {
        const changed = Buffer.from(event);
        for (const [at, value] of changes) changed[at % changed.length] = value;
        expect(parse(changed)).toBeDefined();
      }),
      { numRuns: 3_000 },
    );
  });
});
