import { FOLDER_BYTES_LIMIT } from '#metrics/metric-limits.ts';
import { opendir } from 'node:fs/promises';
import path from 'node:path';

export interface MetricFile {
  /** Below the output folder, with `/`. */
  readonly path: string;
  readonly kind: 'events' | 'jsonl';
}

/** Below the output folder itself; frameworks use two or three. */
const DEPTH_LIMIT = 8;
/** Of one run: each costs a look every few seconds. */
export const METRIC_FILES_LIMIT = 1_000;

/** The file of metrics for whoever uses no library, in the output folder itself. */
const METRICS_JSONL = 'metrics.jsonl';

/**
 * Event files anywhere below an output folder, and `metrics.jsonl` in it, in a fixed order. Folders nearer to the top come
 * first, and after so many entries it ends: a job may leave millions of files. Links are not followed. A folder that is
 * exchanged for a link meanwhile is listed, but no file of it is opened (`openInside`).
 */
export async function findMetricFiles(
  output: string,
  entriesLimit: number,
  signal: AbortSignal,
): Promise<{ readonly files: readonly MetricFile[]; readonly skipped: number; readonly complete: boolean }> {
  const files: MetricFile[] = [];
  const folders: { readonly folder: string; readonly depth: number }[] = [{ folder: '', depth: 0 }];
  let entries = 0;
  let skipped = 0;
  for (let next = folders.shift(); next !== undefined; next = folders.shift()) {
    const { folder, depth } = next;
    const opened = await opendir(path.join(output, folder), { bufferSize: 512 }).catch(() => null);
    if (opened === null) continue;
    try {
      for await (const entry of opened) {
        entries += 1;
        // Leaving the loop closes the folder.
        if (entries > entriesLimit || signal.aborted) return { files: inOrder(files), skipped, complete: false };
        // Such a name is not UTF-8, and cannot be opened by what was decoded of it.
        if (entry.name.includes('\uFFFD')) continue;
        const below = path.posix.join(folder, entry.name);
        if (entry.isDirectory() && depth < DEPTH_LIMIT) folders.push({ folder: below, depth: depth + 1 });
        else if (!entry.isFile()) continue;
        else if (depth === 0 && entry.name === METRICS_JSONL) files.push({ path: below, kind: 'jsonl' });
        else if (entry.name.includes('tfevents.')) {
          if (files.length < METRIC_FILES_LIMIT && Buffer.byteLength(folder) <= FOLDER_BYTES_LIMIT) files.push({ path: below, kind: 'events' });
          else skipped += 1;
        }
      }
    } catch {
      // Removed while it was being listed: what is left of it comes with the next look.
    }
  }
  return { files: inOrder(files), skipped, complete: true };
}

const inOrder = (files: readonly MetricFile[]): readonly MetricFile[] => files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
