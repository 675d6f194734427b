import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

export interface AddressToDigest {
  /** http or https, with whatever signature it needs; never shown in an error. */
  readonly url: string;
  readonly size: number;
  /** A standstill longer than this is a failed try. */
  readonly idleMs: number;
  /** Tries in a row that bring no byte. */
  readonly triesLimit: number;
  readonly delayMs: number;
}

/**
 * sha256 of what is at an address, read as a stream. Where it breaks off it goes on from the next byte, so a digest of a
 * terabyte does not begin anew because one connection ended.
 */
export async function digestAddress(address: AddressToDigest): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  let fruitless = 0;
  while (done < address.size) {
    const before = done;
    try {
      await readFrom(address, done, (piece) => {
        hash.update(piece);
        done += piece.length;
      });
    } catch (error) {
      fruitless = done > before ? 0 : fruitless + 1;
      if (error instanceof NoUse || fruitless >= address.triesLimit) throw error;
      await pause(address.delayMs * 2 ** fruitless);
    }
  }
  if (done > address.size) throw new Error(`The object has more than its ${address.size} bytes`);
  return `sha256:${hash.digest('hex')}`;
}

/** An answer that another try will not change. */
class NoUse extends Error {}

function readFrom({ url, size, idleMs }: AddressToDigest, from: number, take: (piece: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const { get } = url.startsWith('https:') ? https : http;
    const request = get(url, { headers: { range: `bytes=${from}-${size - 1}` }, agent: false }, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode !== 206 && !(statusCode === 200 && from === 0)) {
        response.resume();
        const refused = `The object cannot be read back to digest it: status ${statusCode}`;
        return reject(statusCode === 429 || statusCode >= 500 ? new Error(refused) : new NoUse(refused));
      }
      response.on('data', take);
      response.on('end', () => (response.complete ? resolve() : reject(new Error('The connection broke while an object was read back'))));
      response.on('error', reject);
    });
    request.setTimeout(idleMs, () => request.destroy(new Error('The object store stands still while an object is read back')));
    request.on('error', reject);
  });
}
