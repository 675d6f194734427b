/** For Node: digests by its own crypto. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Digests } from './digests.ts';

/** Between two of them others have their turn: a connection that waits for a whole part to be digested has run dry. */
const STEP_BYTES = 1024 * 1024;

export const nodeDigests: Digests = {
  crc32: (bytes) => crc32(bytes).toString(16).padStart(8, '0'),
  sha256() {
    const hash = createHash('sha256');
    return {
      async update(bytes) {
        for (let at = 0; at < bytes.length; at += STEP_BYTES) {
          if (at > 0) await setImmediate();
          hash.update(bytes.subarray(at, at + STEP_BYTES));
        }
      },
      digest: () => `sha256:${hash.digest('hex')}`,
    };
  },
};
