import { type ContentFolder, type ContentSource, ENTRIES_PER_PAGE } from '#content/content-source.ts';
import { filesByName, namesFrom } from '#data/file-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import type { DataId, TenantId } from '@sodate/contract/ids.ts';
import { Readable } from 'node:stream';

/** Folders that one page skips over, each by a look into the index. */
const LOOKS_LIMIT = 2_000;

/** The files of a data, whose names may lie in folders that are nothing but the names. */
export function makeDataSource(parts: { readonly db: Database; readonly store: Pick<ObjectStore, 'read'> }, tenant: TenantId, data: DataId): ContentSource {
  const { db, store } = parts;
  return {
    async file(path) {
      const found = (await filesByName(db, tenant, data, [path])).get(path);
      if (found === undefined) return null;
      return {
        size: found.size,
        open: async (range) => (found.size === 0 ? Readable.from([]) : store.read(tenant, found.blob, range)),
        close: async () => {},
      };
    },
    async folder(path, after) {
      const prefix = path === '' ? '' : `${path}/`;
      const entries: { name: string; kind: 'file' | 'folder'; size: number | null }[] = [];
      let from = prefix + (after === null ? '' : behind(after));
      for (let looks = 0; looks < LOOKS_LIMIT; looks += 1) {
        const names = await namesFrom(db, tenant, data, { prefix, from, limit: ENTRIES_PER_PAGE });
        for (const { name, size } of names) {
          const [first = '', ...below] = name.slice(prefix.length).split('/');
          const isFolder = below.length > 0;
          if (entries.at(-1)?.name !== first) entries.push({ name: first, kind: isFolder ? 'folder' : 'file', size: isFolder ? null : size });
          if (entries.length === ENTRIES_PER_PAGE) return { entries, after: placeOf(entries.at(-1)) };
        }
        if (names.length < ENTRIES_PER_PAGE) return entries.length === 0 && prefix !== '' && after === null ? null : { entries, after: null };
        from = prefix + behind(placeOf(entries.at(-1)));
      }
      return { entries, after: placeOf(entries.at(-1)) };
    },
  };
}

type Entry = ContentFolder['entries'][number];

/** Where a page goes on: after a file, or after everything in a folder, which the slash says. */
const placeOf = (entry: Entry | undefined): string => (entry === undefined ? '' : entry.kind === 'folder' ? `${entry.name}/` : entry.name);

/** The first name that can come after a place, in the order of bytes: `0` is the character after `/`, and no name has a NUL. */
const behind = (place: string): string => (place.endsWith('/') ? `${place.slice(0, -1)}0` : `${place}\u0001`);
