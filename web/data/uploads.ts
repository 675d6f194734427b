import { forEachOf } from '@sodate/client/for-each-of.ts';
import type { Client } from '@sodate/client/make-client.ts';
import { uploadFiles } from '@sodate/client/upload.ts';
import { createData, deleteData, listDataFiles } from '@sodate/contract/data.ts';
import type { QueryClient } from '@tanstack/react-query';
import { createContext, useContext, useSyncExternalStore } from 'react';
import { createGate, type Gate } from '../kit/gate.ts';
import { randomKey } from '../kit/random-key.ts';
import type { FileGroup } from './group-files.ts';

/** Files on their way into data that are made for them, or into one that exists. */
export interface UploadPlan {
  readonly tenant: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly memo: string;
  readonly groups: readonly FileGroup[];
  /** Without it each group becomes a data of its own. */
  readonly into?: { readonly id: string; readonly number: number } | undefined;
}

export interface Upload {
  readonly id: number;
  readonly plan: UploadPlan;
  readonly state: 'going' | 'paused' | 'failed' | 'done';
  readonly files: number;
  readonly bytes: number;
  readonly bytesSent: number;
  readonly error: unknown;
  /** The data that it made, or goes into; in the order in which they were made. */
  readonly numbers: readonly number[];
}

/** What is being uploaded, whatever page is shown meanwhile. Lives as long as the page's frame. */
export interface Uploads {
  get(): readonly Upload[];
  subscribe(listener: () => void): () => void;
  start(plan: UploadPlan): void;
  /** What is on the wire still arrives; nothing more is sent. */
  pause(id: number): void;
  /** Goes on after a pause or a failure: what is stored already is not sent again. */
  resume(id: number): void;
  /** Ends it and takes away the data that it had begun and not finished. */
  cancel(id: number): void;
  dismiss(id: number): void;
}

/** Data filled at once, and parts of each under way at once: their product is what the browser holds open. */
const GROUPS_AT_ONCE = 2;
const PARTS_AT_ONCE = 2;

/** What one upload has done so far; `data` and `done` by the group's place in the plan. */
interface Progress {
  readonly data: Map<number, { readonly id: string; readonly made: boolean }>;
  readonly done: Set<number>;
  readonly sent: Map<number, number>;
  /** Names that an existing data had before. */
  readonly before: Set<string>;
  readonly gate: Gate;
  readonly key: string;
}

export function createUploads(client: Client, queries: QueryClient, { bundleUpToBytes }: { readonly bundleUpToBytes?: number } = {}): Uploads {
  let uploads: readonly Upload[] = [];
  let made = 0;
  const listeners = new Set<() => void>();
  const progress = new Map<number, Progress>();
  const aborts = new Map<number, AbortController>();

  const publish = (next: readonly Upload[]): void => {
    uploads = next;
    for (const listener of listeners) listener();
  };
  const update = (id: number, change: Partial<Upload>): void => publish(uploads.map((one) => (one.id === id ? { ...one, ...change } : one)));
  const find = (id: number): Upload | undefined => uploads.find((one) => one.id === id);

  async function fill(id: number, plan: UploadPlan, index: number, group: FileGroup, signal: AbortSignal): Promise<void> {
    const own = progress.get(id);
    if (own === undefined || own.done.has(index)) return;
    await own.gate.pass(signal);
    const { tenant } = plan;
    let known = own.data.get(index);
    // What a failure or a cut-off left behind is in the data already.
    let stored: ReadonlySet<string> = new Set();
    if (known === undefined) {
      if (plan.into === undefined) {
        const body = { name: group.name, tags: [...plan.tags], memo: plan.memo };
        const data = await client.call(createData, { params: { tenant }, body, idempotencyKey: `${own.key}-${index}`, signal });
        known = { id: data.id, made: true };
        update(id, { numbers: [...(find(id)?.numbers ?? []), data.number] });
      } else {
        known = { id: plan.into.id, made: false };
        for (const name of await storedNames(client, tenant, known.id, signal)) own.before.add(name);
      }
      own.data.set(index, known);
    } else stored = new Set([...(await storedNames(client, tenant, known.id, signal))].filter((name) => !own.before.has(name)));
    const data = known.id;
    const rest = group.files.filter(({ path }) => !stored.has(path));
    const before = group.files.reduce((sum, { path, file }) => sum + (stored.has(path) ? file.size : 0), 0);
    await uploadFiles(client, {
      tenant,
      data,
      signal,
      concurrency: PARTS_AT_ONCE,
      bundleUpToBytes,
      files: rest.map(({ path, file }) => ({
        name: path,
        size: file.size,
        read: async (start, end) => {
          await own.gate.pass(signal);
          return file.slice(start, end);
        },
      })),
      onProgress: ({ bytesSent }) => {
        own.sent.set(index, before + bytesSent);
        update(id, { bytesSent: [...own.sent.values()].reduce((sum, bytes) => sum + bytes, 0) });
      },
    });
    own.done.add(index);
  }

  const go = async (id: number): Promise<void> => {
    const upload = find(id);
    if (upload === undefined) return;
    const { plan } = upload;
    const abort = new AbortController();
    aborts.set(id, abort);
    try {
      await forEachOf([...plan.groups.entries()], GROUPS_AT_ONCE, abort.signal, ([index, group], signal) => fill(id, plan, index, group, signal));
      update(id, { state: 'done', bytesSent: upload.bytes });
    } catch (error) {
      if (!abort.signal.aborted) update(id, { state: 'failed', error });
    }
    void queries.invalidateQueries({ queryKey: [plan.tenant, 'data'] });
  };

  return {
    get: () => uploads,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start(plan) {
      made += 1;
      const id = made;
      const all = plan.groups.flatMap(({ files }) => files);
      progress.set(id, { data: new Map(), done: new Set(), sent: new Map(), before: new Set(), gate: createGate(), key: randomKey() });
      const bytes = all.reduce((sum, { file }) => sum + file.size, 0);
      const numbers = plan.into === undefined ? [] : [plan.into.number];
      publish([...uploads, { id, plan, state: 'going', files: all.length, bytes, bytesSent: 0, error: null, numbers }]);
      void go(id);
    },
    pause(id) {
      if (find(id)?.state !== 'going') return;
      progress.get(id)?.gate.close();
      update(id, { state: 'paused' });
    },
    resume(id) {
      const state = find(id)?.state;
      progress.get(id)?.gate.open();
      update(id, { state: 'going', error: null });
      if (state === 'failed') void go(id);
    },
    cancel(id) {
      aborts.get(id)?.abort(new DOMException('Cancelled', 'AbortError'));
      const upload = find(id);
      const own = progress.get(id);
      publish(uploads.filter((one) => one.id !== id));
      progress.delete(id);
      if (upload === undefined || own === undefined) return;
      const { tenant } = upload.plan;
      const unfinished = [...own.data].filter(([index, { made: byUs }]) => byUs && !own.done.has(index));
      // A data that cannot be removed stays to be seen in the list, where it can be.
      void Promise.allSettled(unfinished.map(([, data]) => client.call(deleteData, { params: { tenant, data: data.id } }))).then(() =>
        queries.invalidateQueries({ queryKey: [tenant, 'data'] }),
      );
    },
    dismiss(id) {
      publish(uploads.filter((one) => one.id !== id));
      progress.delete(id);
      aborts.delete(id);
    },
  };
}

async function storedNames(client: Client, tenant: string, data: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (let cursor: string | undefined; ;) {
    const page = await client.call(listDataFiles, { params: { tenant, data }, query: { limit: 1000, cursor }, signal });
    for (const { name } of page.items) names.add(name);
    if (page.nextCursor === null) return names;
    cursor = page.nextCursor;
  }
}

const UploadsContext = createContext<Uploads | null>(null);
export const UploadsProvider = UploadsContext.Provider;

export function useUploads(): Uploads {
  const uploads = useContext(UploadsContext);
  if (uploads === null) throw new Error('useUploads outside its provider');
  return uploads;
}

export const useUploadList = (uploads: Uploads): readonly Upload[] => useSyncExternalStore(uploads.subscribe, uploads.get);
