import { makeNamesCache } from '#kit/foreign-folders/folder-names.ts';
import { type ListOrder, listLevel, type WalkOrder, walkTree } from '#kit/foreign-folders/look-into-folders.ts';
import { parentPort } from 'node:worker_threads';

/** A thread that looks into folders: reading and sorting a million names takes about two seconds, in which a server would stand still. */
export type FolderOrder = { readonly number: number } & ({ readonly list: ListOrder } | { readonly walk: WalkOrder });
export interface FolderReport {
  readonly number: number;
  readonly result: unknown;
  readonly error: string | null;
}

const cache = makeNamesCache();

parentPort?.on('message', (order: FolderOrder) => {
  const { number } = order;
  try {
    const result = 'list' in order ? listLevel(cache, order.list) : walkTree(cache, order.walk);
    parentPort?.postMessage({ number, result, error: null } satisfies FolderReport);
  } catch (error) {
    parentPort?.postMessage({ number, result: null, error: error instanceof Error ? error.message : String(error) } satisfies FolderReport);
  }
});
