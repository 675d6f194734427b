import { type ContentSource, ENTRIES_PER_PAGE } from '#content/content-source.ts';
import type { ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { Readable } from 'node:stream';

const BUFFER_BYTES = 1024 * 1024;

/** A folder that a job writes into: every file is opened first and then asked where it really is, and no link is followed. */
export function makeFolderSource(root: string, foreignFolders: Pick<ForeignFolders, 'list'>): ContentSource {
  return {
    async file(path) {
      const opened = await openInside(root, path);
      if (opened === null) return null;
      const { file, size } = opened;
      // Closed by whoever comes last: the reader, or the one who found it.
      return {
        size,
        async open(range) {
          if (size === 0) return Readable.from([]);
          // No more than it had when it was opened: a job may be writing to it.
          return file.createReadStream({ start: range?.start ?? 0, end: range?.end ?? size - 1, highWaterMark: BUFFER_BYTES, autoClose: false });
        },
        close: () => file.close().catch(() => {}),
      };
    },
    async folder(path, after) {
      const page = await foreignFolders.list(root, path, { after, limit: ENTRIES_PER_PAGE });
      // A run that has not started has no folder yet.
      if (page === null) return path === '' ? { entries: [], after: null } : null;
      return page;
    },
  };
}
