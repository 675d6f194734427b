/** For Node: digests by its own crypto. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Digests } from './digests.ts';

export const nodeDigests: Digests = {
  crc32: (bytes) => crc32(bytes).toString(16).padStart(8, '0'),
  sha256() {
    const hash = createHash('sha256');
    return { update: (bytes) => void hash.update(bytes), digest: () => `sha256:${hash.digest('hex')}` };
  },
};
