import type { ArchiveSource } from '#kit/archives/write-zip.ts';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';

const READ_BYTES = 256 * 1024;

/** A file that is open. What is read is no more than it had then, and less when it has become shorter. */
export function openFileSource({ file, size }: { readonly file: FileHandle; readonly size: number }): ArchiveSource {
  return {
    size,
    async *read() {
      for (let at = 0; at < size;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(READ_BYTES, size - at)), 0, undefined, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
    close: () => file.close(),
  };
}

export function streamSource(size: number, stream: Readable): ArchiveSource {
  return { size, read: () => stream, close: async () => void stream.destroy() };
}
