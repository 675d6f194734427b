import type { AddressToDigest } from '#kit/object-store/digest-address.ts';
import type { HashAnswer, HashRequest } from '#kit/object-store/hash-worker.ts';
import { startWorker } from '#kit/object-store/start-worker.ts';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';

/**
 * sha256 of files in worker threads. A file that grows is followed, so that its digest is ready soon after its last byte:
 * one core digests 250 to 2,000 MB/s, which would otherwise be waited for after the upload.
 */
export interface FileHasher {
  /** The first `upTo` bytes of the file are final: they may be read now. */
  follow(key: string, file: string, upTo: number): void;
  /** What was followed changed, or is of no more interest. */
  drop(key: string): void;
  /** @returns `sha256:…` of the whole file, which has `size` bytes */
  finish(key: string, file: string, size: number): Promise<string>;
  /** @returns `sha256:…` of what is at a web address */
  fetch(key: string, address: AddressToDigest): Promise<string>;
  close(): Promise<void>;
}

/** More threads than this never wait for the disk any better. */
const THREADS_LIMIT = 4;
/** Each costs some hundred bytes in a thread. Beyond this an upload is digested at its end. */
const FOLLOWED_LIMIT = 10_000;

interface Thread {
  readonly worker: Worker;
  readonly asked: Map<string, { readonly resolve: (digest: string) => void; readonly reject: (error: Error) => void }>;
  keys: number;
}

export function makeFileHasher(workerFile: URL): FileHasher {
  const threads: Thread[] = [];
  /** Which thread holds what was read of a file so far. */
  const followed = new Map<string, Thread>();
  let closed = false;

  const startThread = (): Thread => {
    const worker = startWorker(workerFile);
    worker.unref();
    const thread: Thread = { worker, asked: new Map(), keys: 0 };
    const lose = (error: Error): void => {
      const at = threads.indexOf(thread);
      if (at >= 0) threads.splice(at, 1);
      for (const [key, holder] of followed) if (holder === thread) followed.delete(key);
      for (const { reject } of thread.asked.values()) reject(error);
      thread.asked.clear();
    };
    worker.on('message', (answer: HashAnswer) => {
      const asker = thread.asked.get(answer.key);
      thread.asked.delete(answer.key);
      if ('digest' in answer) asker?.resolve(answer.digest);
      else asker?.reject(new Error(answer.error));
    });
    worker.on('error', lose);
    worker.on('exit', () => lose(new Error('The thread that digests files has ended')));
    threads.push(thread);
    return thread;
  };

  const threadFor = (key: string): Thread => {
    const holder = followed.get(key);
    if (holder) return holder;
    const idle = threads.find((thread) => thread.keys === 0);
    const mayStart = threads.length < Math.max(1, Math.min(THREADS_LIMIT, availableParallelism() - 1));
    const chosen = idle ?? (mayStart ? startThread() : threads.toSorted((a, b) => a.keys - b.keys)[0]) ?? startThread();
    followed.set(key, chosen);
    chosen.keys += 1;
    return chosen;
  };

  const release = (key: string): void => {
    const thread = followed.get(key);
    if (thread) thread.keys -= 1;
    followed.delete(key);
  };

  const send = (thread: Thread, request: HashRequest): void => thread.worker.postMessage(request);

  const ask = async (request: Extract<HashRequest, { kind: 'finish' | 'fetch' }>): Promise<string> => {
    if (closed) throw new Error('The object store is closed');
    const { key } = request;
    const thread = threadFor(key);
    try {
      return await new Promise<string>((resolve, reject) => {
        thread.asked.set(key, { resolve, reject });
        // Only while somebody waits for a digest is it a reason not to exit.
        thread.worker.ref();
        send(thread, request);
      });
    } finally {
      if (thread.asked.size === 0) thread.worker.unref();
      release(key);
    }
  };

  return {
    follow(key, file, upTo) {
      if (closed || (!followed.has(key) && followed.size >= FOLLOWED_LIMIT)) return;
      send(threadFor(key), { kind: 'follow', key, file, upTo });
    },
    drop(key) {
      const thread = followed.get(key);
      if (!thread) return;
      send(thread, { kind: 'drop', key });
      release(key);
    },
    finish: (key, file, size) => ask({ kind: 'finish', key, file, size }),
    fetch: (key, address) => ask({ kind: 'fetch', key, address }),
    async close() {
      closed = true;
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}
