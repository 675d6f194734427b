import { maskedCrc } from '#metrics/event-files/split-records.ts';
import { PbfWriter } from 'pbf';

export type EventToWrite = { readonly step: number; readonly at?: number } & (
  | { readonly scalars: Readonly<Record<string, number>> }
  | { readonly histogram: { readonly tag: string; readonly limits: number[]; readonly counts: number[] } }
);

/** An event as a writer of TensorBoard puts it into its file. */
export function frameEvent(event: EventToWrite): Buffer {
  const pbf = new PbfWriter();
  pbf.writeDoubleField(1, (event.at ?? 1_700_000_000_000) / 1000);
  pbf.writeVarintField(2, event.step);
  pbf.writeMessage(
    5,
    (_, summary) => {
      if ('scalars' in event)
        for (const [tag, value] of Object.entries(event.scalars))
          summary.writeMessage(
            1,
            (__, one) => {
              one.writeStringField(1, tag);
              one.writeFloatField(2, value);
            },
            null,
          );
      else
        summary.writeMessage(
          1,
          (__, one) => {
            one.writeStringField(1, event.histogram.tag);
            one.writeMessage(
              5,
              (___, histogram) => {
                histogram.writePackedDouble(6, event.histogram.limits);
                histogram.writePackedDouble(7, event.histogram.counts);
              },
              null,
            );
          },
          null,
        );
    },
    null,
  );
  return frameBytes(pbf.finish());
}

export function frameBytes(bytes: Uint8Array): Buffer {
  const frame = Buffer.alloc(bytes.length + 16);
  frame.writeBigUInt64LE(BigInt(bytes.length), 0);
  frame.writeUInt32LE(maskedCrc(frame.subarray(0, 8)), 8);
  frame.set(bytes, 12);
  frame.writeUInt32LE(maskedCrc(bytes), 12 + bytes.length);
  return frame;
}
