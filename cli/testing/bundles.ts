/** For tests: bundles as the server writes them. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface Bundled {
  /** What the head says of it. */
  readonly head: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

export function bundle(files: readonly Bundled[]): Buffer {
  const head = Buffer.from(JSON.stringify({ files: files.map(({ head: said, bytes }) => ({ size: bytes.length, digest: sha256(bytes), ...said })) }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, ...files.map(({ bytes }) => bytes)]);
}

/** The answer, or its beginning: then the connection breaks off. */
export function sendBytes(response: ServerResponse, answer: Buffer, upTo = answer.length): undefined {
  response.writeHead(200);
  if (upTo === answer.length) response.end(answer);
  else response.write(answer.subarray(0, upTo), () => response.destroy());
}
