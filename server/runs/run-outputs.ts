import { openInside } from '#kit/foreign-folders/open-inside.ts';
import type { OutputReader } from '#runs/run-kind.ts';

/** What a kind's `finish` reads with. */
export function makeOutputReader(folder: string): OutputReader {
  return {
    async readText(relative, maxBytes) {
      const opened = await openInside(folder, relative);
      if (opened === null) return null;
      try {
        const buffer = Buffer.alloc(Math.min(maxBytes, opened.size));
        const { bytesRead } = await opened.file.read(buffer, 0, buffer.length, 0);
        return new TextDecoder('utf-8').decode(buffer.subarray(0, bytesRead)).replaceAll('\u0000', '\uFFFD');
      } finally {
        await opened.file.close();
      }
    },
  };
}
