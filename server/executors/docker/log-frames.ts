/** One entry of the engine's log, as slices of `bytes`: nothing is copied. */
export interface LogEntry {
  readonly stream: number;
  readonly bytes: Buffer;
  /** `2026-11-22T02:18:09.455179022Z`, from `stampStart` to `stampEnd`. */
  readonly stampStart: number;
  readonly stampEnd: number;
  /** What the job wrote, from `stampEnd + 1` to `end`. Without a line end it is a part of a longer line. */
  readonly end: number;
}

const HEADER_BYTES = 8;
const BLANK = 0x20;
/** Nine digits of a second and a Z: the engine never writes it in another way, but nothing depends on that. */
const STAMP_BYTES = 30;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts the engine's multiplexed stream into entries: 1 byte stream, 3 bytes nothing, 4 bytes length, then a time stamp, a
 * blank and the text. Takes the bytes in pieces cut anywhere.
 */
export function makeFrameParser(onEntry: (entry: LogEntry) => void): (piece: Buffer) => void {
  let rest: Buffer = NOTHING;
  return (piece) => {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const stream = bytes[at] ?? 0;
      if (stream > 3 || bytes[at + 1] !== 0) throw new Error('The engine sent something that is no frame of a log.');
      const start = at + HEADER_BYTES;
      const end = start + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      const usual = start + STAMP_BYTES;
      const stampEnd = bytes[usual] === BLANK ? usual : bytes.indexOf(BLANK, start);
      if (stampEnd < 0 || stampEnd >= end)
        throw new Error(`The engine sent a log entry without a time: ${bytes.toString('utf8', start, Math.min(end, start + 100))}`);
      onEntry({ stream, bytes, stampStart: start, stampEnd, end });
      at = end;
    }
    rest = at === bytes.length ? NOTHING : bytes.subarray(at);
  };
}
