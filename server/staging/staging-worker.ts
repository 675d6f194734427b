import { STAGING_TASKS, type TaskOrder, type TaskReport } from '#staging/staging-tasks.ts';
import { parentPort } from 'node:worker_threads';

/** The entry point of the worker threads: one order at a time, each answered. */
parentPort?.on('message', ({ number, task, args }: TaskOrder) => {
  const report = (error: TaskReport['error']): void => parentPort?.postMessage({ number, error } satisfies TaskReport);
  try {
    (STAGING_TASKS[task] as (...args: readonly unknown[]) => void)(...args);
    report(null);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    report({ message: error instanceof Error ? error.message : String(error), code: typeof code === 'string' ? code : null });
  }
});
