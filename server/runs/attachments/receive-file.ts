import { SodateError } from '@sodate/contract/errors.ts';
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** A file that has arrived whole, under a name of ours. */
export interface ReceivedFile {
  readonly path: string;
  readonly size: number;
  readonly digest: string;
}

/**
 * Writes a body to a file, durably. Nothing is left of one that breaks off.
 * @param place a path that is free
 * @throws SodateError `body-too-large`, `digest-differs`, or what the body's stream throws when it breaks off
 */
export async function receiveFile(
  body: Readable,
  place: string,
  limits: { readonly bytes: number; readonly digest: string | undefined; readonly name: string },
): Promise<ReceivedFile> {
  const file = await open(place, 'wx', 0o644);
  try {
    const hash = createHash('sha256');
    let size = 0;
    // Not destroyed with the loop: whoever sends too much is still to hear so.
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limits.bytes) throw new SodateError('body-too-large', { limit: `${limits.bytes / 1024 ** 3} GiB; put a larger file into a data` });
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    const digest = `sha256:${hash.digest('hex')}`;
    if (limits.digest !== undefined && limits.digest !== digest)
      throw new SodateError('digest-differs', { name: limits.name, actual: digest, expected: limits.digest });
    // Whatever the umask is: the job, under another uid, is to read it.
    await file.chmod(0o644);
    await file.sync();
    return { path: place, size, digest };
  } catch (error) {
    await rm(place, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
