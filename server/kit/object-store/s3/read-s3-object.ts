import type { ByteRange } from '#kit/http/byte-range.ts';
import type { S3Connection } from '#kit/object-store/s3/s3-connection.ts';
import { isPassingTrouble, toStoreError } from '#kit/object-store/s3/s3-errors.ts';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';

export interface S3Object {
  /** Of the range asked for. */
  readonly length: number;
  readonly bytes: Readable;
}

/** Connections in a row that bring no byte. */
const FRUITLESS_LIMIT = 5;

/**
 * Opens an object, or a range of it; an infinite end is the object's. A connection that breaks off later is made again from the next byte on, of the same
 * version of the object; the reader notices nothing but a pause.
 * @throws what `isMissing` tells when it is not there, and `isPastEnd` when it ends before the range
 */
export async function readS3Object(s3: S3Connection, key: string, range?: ByteRange): Promise<S3Object> {
  const get = async (from: ByteRange | undefined, etag: string | undefined) => {
    const input = {
      Bucket: s3.settings.bucket,
      Key: key,
      ...(from === undefined ? {} : { Range: `bytes=${from.start}-${from.end === Infinity ? '' : from.end}` }),
      ...(etag === undefined ? {} : { IfMatch: etag }),
    };
    const answer = await s3.call((client, options) => client.send(new GetObjectCommand(input), options), { kind: 'bytes' });
    if (!(answer.Body instanceof Readable)) throw new Error('The SDK gave no stream of Node');
    return { body: answer.Body, length: answer.ContentLength ?? 0, etag: answer.ETag };
  };

  const first = await get(range, undefined);
  const start = range?.start ?? 0;
  const held = { body: first.body as Readable };
  const pieces = async function* (): AsyncGenerator<Buffer> {
    let done = 0;
    let fruitless = 0;
    while (done < first.length) {
      const before = done;
      try {
        for await (const piece of held.body as AsyncIterable<Buffer>) {
          done += piece.length;
          yield piece;
        }
        if (done < first.length) throw Object.assign(new Error('The object broke off'), { code: 'ECONNRESET' });
      } catch (error) {
        fruitless = done > before ? 0 : fruitless + 1;
        if (!isPassingTrouble(error) || fruitless >= FRUITLESS_LIMIT) throw toStoreError(error, s3.settings);
        held.body = (await get({ start: start + done, end: start + first.length - 1 }, first.etag)).body;
      }
    }
  };
  const bytes = Readable.from(pieces(), { objectMode: false });
  // A reader who leaves while nothing comes must not keep the connection until it is timed out.
  bytes.once('close', () => held.body.destroy());
  held.body.on('error', () => {});
  return { length: first.length, bytes };
}
