import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { bundleHead } from '#kit/http/send-bundle.ts';
import { readAhead } from '#kit/read-ahead.ts';
import { BUNDLE_BYTES_LIMIT, BUNDLED_FILE_BYTES_LIMIT } from '@sodate/contract/data.ts';
import type { ReadOutputsHead } from '@sodate/contract/output-bundles.ts';
import { createHash } from 'node:crypto';
import type { z } from 'zod';

/** Read before their turn. How large a file is is not known before it is open, so each counts for all that it may have. */
const AHEAD = { items: 4, bytes: 4 * BUNDLED_FILE_BYTES_LIMIT, bytesOf: () => BUNDLED_FILE_BYTES_LIMIT };

/**
 * Small files of an output folder, each as a bundle of its own: a job may be writing to them, so how large one is stands
 * before its bytes and not before those of all others. A file is read whole before it is told of. What is gone when its
 * turn comes, is no file, or has grown beyond what a bundle takes is left out, and so is all that comes after
 * `BUNDLE_BYTES_LIMIT`.
 */
export async function* readOutputFiles(root: string, paths: readonly string[]): AsyncGenerator<Buffer, void, undefined> {
  const contents = readAhead(new Set(paths), AHEAD, async (path) => {
    const bytes = await readSmallFile(root, path);
    return bytes === null ? null : { path, bytes };
  });
  let sent = 0;
  for await (const content of contents) {
    if (content === null) continue;
    const { path, bytes } = content;
    sent += bytes.length;
    if (sent > BUNDLE_BYTES_LIMIT) return;
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const head: z.input<typeof ReadOutputsHead> = { files: [{ path, size: bytes.length, digest }] };
    yield Buffer.concat([bundleHead(head), bytes]);
  }
}

/** No more than it had when it was opened, and less where it has been cut since; null when it is not to be had so. */
async function readSmallFile(root: string, path: string): Promise<Buffer | null> {
  const opened = await openInside(root, path);
  if (opened === null) return null;
  const { file, size } = opened;
  try {
    if (size > BUNDLED_FILE_BYTES_LIMIT) return null;
    const buffer = Buffer.alloc(size);
    let filled = 0;
    for (let read = 1; read > 0 && filled < size; filled += read) read = (await file.read(buffer, filled, size - filled, filled)).bytesRead;
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}
