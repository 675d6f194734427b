import { closeSync, constants, copyFileSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';

/**
 * A thread that makes links or copies of files, many at a time: 100,000 links take seconds, during which the event loop
 * would stand still. Imports nothing but Node, so that it runs as a bundle of its own.
 */

export interface LinkBatch {
  readonly how: 'link' | 'copy';
  /**
   * Source and target of each, all joined by NUL, which no path has: one long string is sent in a tenth of the time that a
   * thousand small objects take.
   */
  readonly links: string;
  readonly count: number;
  /** A file name that does not exist and that is cleared away if this process dies, on the store's disk. */
  readonly temporary: string;
}

export type LinkAnswer = { readonly done: true } | { readonly error: string; readonly code: string | null; readonly path: string | null };

const port = parentPort;
if (!port) throw new Error('This file is a worker thread');

/** Folders made by this thread. A thread serves one call, so it is bounded by that call's tree. */
const folders = new Set<string>();
/** Sources whose links ran out → the copy that still has some. */
const continued = new Map<string, string>();

port.on('message', (batch: LinkBatch) => {
  try {
    const paths = batch.links.split('\0');
    if (paths.length !== batch.count * 2) throw new Error('A path has a NUL character');
    for (let at = 0; at < paths.length; at += 2) {
      const [source = '', target = ''] = [paths[at], paths[at + 1]];
      const folder = path.dirname(target);
      if (!folders.has(folder)) {
        mkdirSync(folder, { recursive: true });
        folders.add(folder);
      }
      if (batch.how === 'copy') replacing(target, () => copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
      else link(source, target, batch.temporary);
    }
    answer({ done: true });
  } catch (error) {
    const { message, code, path: at } = error as NodeJS.ErrnoException;
    answer({ error: message, code: code ?? null, path: at ?? null });
  }
});

const answer = (value: LinkAnswer): void => port.postMessage(value);

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function replacing(target: string, make: () => void): void {
  try {
    make();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    unlinkSync(target);
    make();
  }
}

/** A file has at most 65,000 links on ext4, so the same empty file in 100,000 data needs a second copy of its blob. */
function link(source: string, target: string, temporary: string): void {
  for (let copy = 0; ; copy += 1) {
    const from = copy === 0 ? (continued.get(source) ?? source) : `${source}.${copy}`;
    if (copy > 0 && !existsSync(from)) {
      // Whole under another name first: a copy that was cut off must never be linked from. Whoever else makes the same
      // one at this moment makes an equal one.
      copyFileSync(source, temporary, constants.COPYFILE_FICLONE);
      try {
        syncFile(temporary);
        linkSync(temporary, from);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      } finally {
        unlinkSync(temporary);
      }
    }
    try {
      replacing(target, () => linkSync(from, target));
      if (copy > 0) continued.set(source, from);
      return;
    } catch (error) {
      // Somebody put the store on a disk of its own: it costs space, but it works.
      if (codeOf(error) === 'EXDEV') return replacing(target, () => copyFileSync(source, target, constants.COPYFILE_EXCL));
      if (codeOf(error) !== 'EMLINK') throw error;
    }
  }
}

function syncFile(name: string): void {
  const file = openSync(name, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
