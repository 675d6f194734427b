import { maskedCrc } from '#metrics/event-files/split-records.ts';
import { PbfWriter } from 'pbf';

interface HistogramToWrite {
  readonly tag: string;
  readonly limits: number[];
  readonly counts: number[];
  /** Least value, greatest value and how many; without them a file says 0 for each. */
  readonly bounds?: readonly [number, number, number];
}

export type EventToWrite = { readonly step: number; readonly at?: number } & (
  | { readonly scalars: Readonly<Record<string, number>> }
  | { readonly histogram: HistogramToWrite }
  | { readonly image: { readonly tag: string; readonly bytes: Uint8Array } }
  | { readonly text: { readonly tag: string; readonly text: string } }
);

/** TensorFlow's number of the type of texts. */
const STRING_TYPE = 7;

/** An event as a writer of TensorBoard puts it into its file. */
export function frameEvent(event: EventToWrite): Buffer {
  const pbf = new PbfWriter();
  pbf.writeDoubleField(1, (event.at ?? 1_700_000_000_000) / 1000);
  pbf.writeVarintField(2, event.step);
  pbf.writeMessage(5, (_, summary) => writeSummary(summary, event), null);
  return frameBytes(pbf.finish());
}

function writeSummary(summary: PbfWriter, event: EventToWrite): void {
  const write = (tag: string, value: (one: PbfWriter) => void): void =>
    summary.writeMessage(
      1,
      (_, one) => {
        one.writeStringField(1, tag);
        value(one);
      },
      null,
    );
  if ('scalars' in event) for (const [tag, value] of Object.entries(event.scalars)) write(tag, (one) => one.writeFloatField(2, value));
  else if ('image' in event) write(event.image.tag, (one) => one.writeMessage(4, (_, image) => image.writeBytesField(4, event.image.bytes), null));
  else if ('text' in event)
    write(event.text.tag, (one) => {
      one.writeMessage(
        8,
        (_, tensor) => {
          tensor.writeVarintField(1, STRING_TYPE);
          tensor.writeBytesField(8, Buffer.from(event.text.text));
        },
        null,
      );
      one.writeMessage(9, (_, metadata) => metadata.writeMessage(1, (__, plugin) => plugin.writeStringField(1, 'text'), null), null);
    });
  else write(event.histogram.tag, (one) => one.writeMessage(5, (_, histogram) => writeHistogram(histogram, event.histogram), null));
}

function writeHistogram(pbf: PbfWriter, { limits, counts, bounds }: HistogramToWrite): void {
  if (bounds !== undefined) for (const [at, bound] of bounds.entries()) pbf.writeDoubleField(at + 1, bound);
  pbf.writePackedDouble(6, limits);
  pbf.writePackedDouble(7, counts);
}

export function frameBytes(bytes: Uint8Array): Buffer {
  const frame = Buffer.alloc(bytes.length + 16);
  frame.writeBigUInt64LE(BigInt(bytes.length), 0);
  frame.writeUInt32LE(maskedCrc(frame.subarray(0, 8)), 8);
  frame.set(bytes, 12);
  frame.writeUInt32LE(maskedCrc(bytes), 12 + bytes.length);
  return frame;
}
