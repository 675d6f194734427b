import { BUNDLE_BYTES_LIMIT, BUNDLE_HEAD_BYTES_LIMIT, BundleHead } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { Readable } from 'node:stream';
import type { z } from 'zod';

export type BundledFile = z.output<typeof BundleHead>['files'][number];

const LENGTH_BYTES = 4;

/**
 * Takes a bundle apart as it comes: first the head, then one file after the other, each in memory only while it is asked
 * about. See the contract for the form.
 */
export interface BundleReader {
  readHead(): Promise<readonly BundledFile[]>;
  /** The next file's bytes. @throws SodateError when the body ends before them */
  readFile(size: number): Promise<Buffer>;
  /** @throws SodateError when there is more than the head said */
  expectEnd(): Promise<void>;
}

export function readBundle(body: Readable): BundleReader {
  // Leaving early must not destroy the request: its connection would never be read again, nor the next request on it.
  const pieces = body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  const take = async (length: number): Promise<Buffer> => {
    const taken: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      if (rest.length === 0) {
        const next = await pieces.next();
        if (next.done === true) throw outOfForm('it ends before all that its head names');
        rest = next.value;
      }
      const piece = rest.subarray(0, missing);
      rest = rest.subarray(piece.length);
      missing -= piece.length;
      taken.push(piece);
    }
    return Buffer.concat(taken);
  };
  return {
    async readHead() {
      const length = (await take(LENGTH_BYTES)).readUInt32BE();
      if (length > BUNDLE_HEAD_BYTES_LIMIT) throw new SodateError('body-too-large', { limit: `a head of ${BUNDLE_HEAD_BYTES_LIMIT} bytes` });
      const head = BundleHead.safeParse(toJson(await take(length)));
      if (!head.success) {
        const issue = head.error.issues[0];
        throw outOfForm(`its head, at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not readable'}`);
      }
      const bytes = head.data.files.reduce((sum, { size }) => sum + size, 0);
      if (bytes > BUNDLE_BYTES_LIMIT) throw new SodateError('body-too-large', { limit: `${BUNDLE_BYTES_LIMIT} bytes of files in one bundle` });
      return head.data.files;
    },
    readFile: take,
    async expectEnd() {
      if (rest.length > 0 || (await pieces.next()).done !== true) throw outOfForm('it goes on after the files that its head names');
    },
  };
}

function toJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw outOfForm('its head is not JSON');
  }
}

const outOfForm = (details: string): SodateError => new SodateError('invalid-request', { details: `the bundle is out of form: ${details}` });
