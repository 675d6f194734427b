import { type Bench, scaled } from './bench.ts';
import { atMost, explain, quantile, rounded } from './figure.ts';
import { makeArchiveNames } from '../server/kit/archives/archive-names.ts';
import { type ArchiveEntry, writeZip } from '../server/kit/archives/write-zip.ts';
import { systemClock } from '../server/kit/clock.ts';
import { type ForeignFolders, makeForeignFolders } from '../server/kit/foreign-folders/foreign-folders.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import path from 'node:path';

const FILES = 1_000_000;
const PAGES = 200;
const PAGE_LIMIT = 2;
/** A buffer or two, and the list at the archive's end. */
const ARCHIVE_BYTES_PER_FILE = 400;

/** Folders as large as jobs make them, page by page and as an archive. */
export const outputsBench: Bench = {
  name: 'outputs',
  about: 'an output folder of 1,000,000 files',
  async measure(context) {
    const folder = path.join(context.folder, 'outputs');
    const folders = makeForeignFolders({ clock: systemClock, workerUrl: new URL(`file://${path.dirname(context.program)}/folder-worker.mjs`) });
    const many = scaled(context, FILES, 20_000);
    const few = Math.max(1_000, Math.round(many / 100));
    try {
      for (const [name, count] of [
        ['many', many],
        ['few', few],
      ] as const) {
        context.say(`  making ${count} files`);
        makeFiles(path.join(folder, name), count);
      }
      const delay = monitorEventLoopDelay({ resolution: 10 });
      delay.enable();
      const first = await timed(() => folders.list(folder, 'many', { after: null, limit: 200 }));
      delay.disable();
      await folders.list(folder, 'few', { after: null, limit: 200 });
      const [ofMany, ofFew] = [await turnPages(folders, folder, 'many', many), await turnPages(folders, folder, 'few', few)];
      const searched = await timed(() => folders.walk(folder, 'many', { after: null, limit: 200, look: 200_000, text: 'no such name' }));
      const before = process.memoryUsage().rss;
      const zipped = await archive(folders, folder, many);
      return [
        atMost(`a page of 200 out of ${many}, beside ${few}, p99`, quantile(ofMany, 0.99) / quantile(ofFew, 0.99), PAGE_LIMIT, '×'),
        explain('  in ms', `${rounded(quantile(ofMany, 0.99))}, ${rounded(quantile(ofFew, 0.99))}`),
        explain('  the first page, with all names read; event loop held up at most', `${rounded(first)}; ${rounded(delay.max / 1e6)} ms`),
        explain('  a search through 200,000 names', `${rounded(searched)} ms`),
        atMost('an archive of them: memory a file', (zipped.highest - before) / many, ARCHIVE_BYTES_PER_FILE, 'bytes'),
        explain('  seconds, MB written', `${rounded(zipped.ms / 1000)}, ${rounded(zipped.bytes / 1e6)}`),
      ];
    } finally {
      await folders.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** In an order that is not theirs. */
function makeFiles(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let at = 0; at < count; at += 1) writeFileSync(path.join(folder, `image-${String((at * 7919) % count).padStart(7, '0')}.png`), '');
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

/** Pages from all over the folder. */
async function turnPages(folders: ForeignFolders, root: string, name: string, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < PAGES; at += 1) {
    const after = `image-${String(Math.floor((count / PAGES) * at)).padStart(7, '0')}.png`;
    times.push(await timed(() => folders.list(root, name, { after, limit: 200 })));
  }
  return times;
}

/** Into nowhere, with the names that a download has; the files are not opened, which would measure the disk. */
async function archive(
  folders: ForeignFolders,
  root: string,
  count: number,
): Promise<{ readonly ms: number; readonly bytes: number; readonly highest: number }> {
  const names = makeArchiveNames();
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    let after: string | null = null;
    do {
      const step: Awaited<ReturnType<ForeignFolders['walk']>> = await folders.walk(root, 'many', { after, limit: 1_000, look: count });
      if (step === null) throw new Error('The folder is gone');
      for (const { name } of step.entries)
        yield { name: names.file(name), modifiedAt: new Date(0), open: async () => ({ size: 0, async *read() {}, close: async () => {} }) };
      after = step.after;
    } while (after !== null);
  }
  const seen = { bytes: 0, highest: 0 };
  const ms = await timed(async () => {
    let chunks = 0;
    for await (const chunk of writeZip(entries())) {
      seen.bytes += chunk.length;
      if ((chunks += 1) % 10_000 === 0) seen.highest = Math.max(seen.highest, process.memoryUsage().rss);
    }
  });
  return { ms, bytes: seen.bytes, highest: Math.max(seen.highest, process.memoryUsage().rss) };
}
