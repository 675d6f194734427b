import { makeArchiveNames } from '#kit/archives/archive-names.ts';
import { type Archive, ARCHIVE_ENTRIES_LIMIT } from '#kit/archives/archives.ts';
import { openFileSource } from '#kit/archives/sources.ts';
import type { ArchiveEntry } from '#kit/archives/write-zip.ts';
import type { ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { SodateError } from '@sodate/contract/errors.ts';

const ENTRIES_PER_STEP = 1_000;
const NAMES_PER_STEP = 100_000;

interface FolderToArchive {
  readonly root: string;
  /** Below the root; empty for all of it. */
  readonly path: string;
  /** Of the archive. */
  readonly name: string;
}

type Folders = Pick<ForeignFolders, 'count' | 'walk'>;

/**
 * A folder that a job writes in, as an archive of what is there while it is made. Files that are gone when their turn
 * comes, links, pipes and what may not be read are left out.
 * @throws SodateError `not-found`, `too-many`
 */
export async function archiveFolder(folders: Folders, { root, path, name }: FolderToArchive): Promise<Archive> {
  const count = await folders.count(root, path, ARCHIVE_ENTRIES_LIMIT);
  if (count === null && path !== '') throw new SodateError('not-found', { thing: 'folder', reference: path });
  if (count !== null && count > ARCHIVE_ENTRIES_LIMIT)
    throw new SodateError('too-many', { limit: ARCHIVE_ENTRIES_LIMIT, things: 'entries in one archive; fetch folders of it' });
  return { name, entries: () => entriesOf(folders, { root, path }, ARCHIVE_ENTRIES_LIMIT) };
}

/**
 * Several such folders in one archive, each below a name of its own. Of one that is not there nothing is in it.
 * @param chosen each `name` once
 * @throws SodateError `too-many`
 */
export async function archiveFolders(folders: Folders, chosen: readonly { readonly root: string; readonly name: string }[], name: string): Promise<Archive> {
  let total = 0;
  for (const { root } of chosen) total += (await folders.count(root, '', ARCHIVE_ENTRIES_LIMIT)) ?? 0;
  if (total > ARCHIVE_ENTRIES_LIMIT) throw new SodateError('too-many', { limit: ARCHIVE_ENTRIES_LIMIT, things: 'entries in one archive; fetch fewer of them' });
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    let left = ARCHIVE_ENTRIES_LIMIT;
    for (const folder of chosen)
      for await (const entry of entriesOf(folders, { root: folder.root, path: '' }, left)) {
        left -= 1;
        yield { ...entry, name: `${folder.name}/${entry.name}` };
      }
  }
  return { name, entries };
}

async function* entriesOf(folders: Folders, { root, path }: Omit<FolderToArchive, 'name'>, most: number): AsyncGenerator<ArchiveEntry> {
  const names = makeArchiveNames();
  const inArchive = (full: string): string => (path === '' ? full : full.slice(path.length + 1));
  let after: string | null = null;
  let given = 0;
  do {
    const step: Awaited<ReturnType<ForeignFolders['walk']>> = await folders.walk(root, path, { after, limit: ENTRIES_PER_STEP, look: NAMES_PER_STEP });
    if (step === null) return;
    for (const entry of step.entries) {
      // More than were counted: a job writes them faster than they are read.
      if ((given += 1) > most) return;
      const modifiedAt = entry.modifiedAt ?? new Date(0);
      if (entry.kind === 'folder') yield { name: names.folder(inArchive(entry.name)), modifiedAt, open: null };
      if (entry.kind !== 'file') continue;
      yield {
        name: names.file(inArchive(entry.name)),
        modifiedAt,
        open: async () => {
          const opened = await openInside(root, entry.name);
          return opened === null ? null : openFileSource(opened);
        },
      };
    }
    after = step.after;
  } while (after !== null);
}
