import { startWorker } from '#kit/object-store/start-worker.ts';
import type { StagingTasks, TaskOrder, TaskReport } from '#staging/staging-tasks.ts';
import type { Worker } from 'node:worker_threads';

export interface StagingWorker {
  run<Task extends keyof StagingTasks>(task: Task, ...args: Parameters<StagingTasks[Task]>): Promise<void>;
  /** Waits for nothing: what is running is cut off, as by a crash. */
  close(): Promise<void>;
}

/**
 * A thread that does one task after the other, begun with the first and kept: 15 ms and 10 MB. If it dies, what waited on
 * it fails, and the next task begins another.
 * @param url the built worker, or its source, which then runs through tsx
 */
export function makeStagingWorker(url: URL): StagingWorker {
  const waiting = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  let thread: Worker | null = null;
  let count = 0;

  const begin = (): Worker => {
    const fresh = startWorker(url);
    const end = (error: Error): void => {
      if (thread !== fresh) return;
      thread = null;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    fresh.on('message', ({ number, error }: TaskReport) => {
      const waiter = waiting.get(number);
      waiting.delete(number);
      // An idle thread keeps no process alive that has nothing else to do.
      if (waiting.size === 0) fresh.unref();
      if (error === null) waiter?.resolve();
      else waiter?.reject(Object.assign(new Error(error.message), error.code === null ? {} : { code: error.code }));
    });
    fresh.on('error', end);
    fresh.on('exit', (code) => end(new Error(`The staging thread ended with code ${code}`)));
    return fresh;
  };

  return {
    run: (task, ...args) =>
      new Promise((resolve, reject) => {
        thread ??= begin();
        count += 1;
        waiting.set(count, { resolve, reject });
        thread.ref();
        thread.postMessage({ number: count, task, args } satisfies TaskOrder);
      }),
    async close() {
      await thread?.terminate();
    },
  };
}
