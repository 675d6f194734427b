import { withChecksum } from '#data/checksum-stream.ts';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const going = (): AbortSignal => new AbortController().signal;

describe('a body with its checksum', () => {
  it('is the same bytes, with the CRC-32 of all of them', async () => {
    const bytes = Buffer.alloc(3_000_000, 'seeds ');
    const { stream, crc32: checksum } = withChecksum(Readable.from([bytes.subarray(0, 7), bytes.subarray(7)], { objectMode: false }), going());
    expect((await buffer(stream)).equals(bytes)).toBe(true);
    expect(checksum()).toBe(crc32(bytes).toString(16).padStart(8, '0'));
  });

  it.each([
    ['whose connection breaks', (source: PassThrough) => source.destroy(new Error('aborted'))],
    ['that is closed half-way', (source: PassThrough) => source.destroy()],
  ] as const)('%s before anybody reads it fails for the reader, and for nobody else', async (_how, cut) => {
    const source = new PassThrough();
    const { stream, leave } = withChecksum(source, going());
    source.write('half of it');
    cut(source);
    // An error that nobody listened to would have ended the process by now.
    await setImmediate();
    await expect(buffer(stream)).rejects.toThrow('aborted');
    leave();
  });

  it('that is told to stop before anybody reads it fails for the reader, and for nobody else', async () => {
    const stop = new AbortController();
    const { stream, leave } = withChecksum(new PassThrough(), stop.signal);
    stop.abort();
    await setImmediate();
    await expect(buffer(stream)).rejects.toThrow('given up');
    leave();
  });
});
