import type { Clock } from '#kit/clock.ts';
import type { FolderOrder, FolderReport } from '#kit/foreign-folders/folder-worker.ts';
import type { ListOrder, ListReport, RawEntry, WalkOrder, WalkReport } from '#kit/foreign-folders/look-into-folders.ts';
import { rawToText, textToRaw } from '#kit/foreign-folders/name-text.ts';
import { startWorker } from '#kit/object-store/start-worker.ts';
import type { Worker } from 'node:worker_threads';

export interface FolderEntry {
  /** As text, see `name-text.ts`: of a list the name, of a walk the path below the root. */
  readonly name: string;
  /** Links, pipes and the like are `other`: shown, and never followed or read. */
  readonly kind: 'file' | 'folder' | 'other';
  /** Bytes of a file. */
  readonly size: number | null;
  readonly modifiedAt: Date | null;
}

export interface FolderPage {
  readonly entries: readonly FolderEntry[];
  /** Where the next page continues; null at the end. */
  readonly after: string | null;
  readonly total: { readonly count: number; readonly exact: boolean };
}

/**
 * Looks into folders that somebody else writes in, also while it is written: pages by name, whole trees, with a million
 * entries in one folder. It works in a thread of its own, which keeps the sorted names of the folders looked at last, so
 * that a page costs what it shows. Paths and names are text as `name-text.ts` has it, in the order of their bytes; `root`
 * is the program's own. No link is followed, and nothing outside of the root is told of.
 */
export interface ForeignFolders {
  /** One level, from after a name. @returns null when there is no such folder */
  list(root: string, path: string, page: { readonly after: string | null; readonly limit: number }): Promise<FolderPage | null>;
  /**
   * The next entries of a tree, folders before what is in them, from after a path; at most `limit` of them, out of at most
   * `look` names. @returns null when there is no such folder
   */
  walk(root: string, path: string, ask: WalkAsk): Promise<{ readonly entries: readonly FolderEntry[]; readonly after: string | null } | null>;
  /** Entries of a tree, counted up to a limit and one. @returns null when there is no such folder */
  count(root: string, path: string, limit: number): Promise<number | null>;
  close(): Promise<void>;
}

interface WalkAsk {
  readonly after: string | null;
  readonly limit: number;
  readonly look: number;
  /** Only entries whose name contains this, in whatever case. */
  readonly text?: string;
}

/** Names looked at by one order, about 50 ms: then others have their turn. */
const NAMES_PER_ORDER = 20_000;

export function makeForeignFolders(parts: { readonly clock: Clock; readonly workerUrl?: URL }): ForeignFolders {
  const thread = makeThread(parts.workerUrl ?? new URL('./folder-worker.ts', import.meta.url));
  const nowMs = (): number => parts.clock.now().getTime();
  const walkOnce = (order: Omit<WalkOrder, 'nowMs'>) => thread.run<WalkReport | null>({ walk: { ...order, nowMs: nowMs() } });

  return {
    async list(root, path, { after, limit }) {
      const order: ListOrder = { root, path: textToRaw(path), after: after === null ? null : textToRaw(after), limit, nowMs: nowMs() };
      const report = await thread.run<ListReport | null>({ list: order });
      if (report === null) return null;
      return {
        entries: report.entries.map(toEntry),
        after: report.after === null ? null : rawToText(report.after),
        total: { count: report.total, exact: !report.cut },
      };
    },
    async walk(root, path, ask) {
      const entries: RawEntry[] = [];
      const order = { root, path: textToRaw(path), text: ask.text ?? null };
      let after = ask.after === null ? null : textToRaw(ask.after);
      for (let looked = 0; ;) {
        const report = await walkOnce({ ...order, after, limit: ask.limit - entries.length, look: Math.min(NAMES_PER_ORDER, ask.look - looked) });
        if (report === null) return null;
        entries.push(...report.entries);
        looked += report.looked;
        after = report.after;
        if (after === null || entries.length >= ask.limit || looked >= ask.look)
          return { entries: entries.map(toEntry), after: after === null ? null : rawToText(after) };
      }
    },
    async count(root, path, limit) {
      let after: string | null = null;
      for (let count = 0; ;) {
        const report: WalkReport | null = await walkOnce({
          root,
          path: textToRaw(path),
          after,
          limit: 0,
          look: Math.min(NAMES_PER_ORDER, limit + 1 - count),
          text: null,
        });
        if (report === null) return null;
        count += report.looked;
        after = report.after;
        if (after === null || count > limit) return count;
      }
    },
    close: () => thread.close(),
  };
}

const toEntry = ({ name, kind, size, modifiedMs }: RawEntry): FolderEntry => ({
  name: rawToText(name),
  kind,
  size,
  modifiedAt: modifiedMs === null ? null : new Date(modifiedMs),
});

type Order = FolderOrder extends infer Each ? (Each extends FolderOrder ? Omit<Each, 'number'> : never) : never;

/** Begun with the first order and kept. If it dies, what waited on it fails, and the next order begins another. */
function makeThread(url: URL): { run<Result>(order: Order): Promise<Result>; close(): Promise<void> } {
  const waiting = new Map<number, { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void }>();
  const state: { thread: Worker | null; count: number } = { thread: null, count: 0 };
  const begin = (): Worker => {
    const fresh = startWorker(url);
    const end = (error: Error): void => {
      if (state.thread !== fresh) return;
      state.thread = null;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    fresh.on('message', ({ number, result, error }: FolderReport) => {
      const waiter = waiting.get(number);
      waiting.delete(number);
      if (waiting.size === 0) fresh.unref();
      if (error === null) waiter?.resolve(result);
      else waiter?.reject(new Error(error));
    });
    fresh.on('error', end);
    fresh.on('exit', () => end(new Error('The thread that looks into folders has ended')));
    return fresh;
  };
  return {
    run: <Result>(order: Order) =>
      new Promise<Result>((resolve, reject) => {
        state.thread ??= begin();
        state.count += 1;
        waiting.set(state.count, { resolve: resolve as (result: unknown) => void, reject });
        state.thread.ref();
        state.thread.postMessage({ ...order, number: state.count } as FolderOrder);
      }),
    async close() {
      await state.thread?.terminate();
    },
  };
}
