import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

export interface EntryFolder {
  /** Below `input`: `training/12`, or `12` in a flat data set. */
  readonly folder: string;
  /** The data's number, when it gets its link in `raw` from here. */
  readonly rawName: string | null;
}

/** A folder below `input` for each data, also for one without files, and its relative link in `raw`. */
export function makeEntryFolders(dataset: string, entries: readonly EntryFolder[]): void {
  for (const { folder, rawName } of entries) {
    mkdirSync(path.join(dataset, 'input', folder), { recursive: true });
    if (rawName !== null) symlinkSync(`../input/${folder}`, path.join(dataset, 'raw', rawName));
  }
}
