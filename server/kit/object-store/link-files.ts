import type { LinkAnswer, LinkBatch } from '#kit/object-store/link-worker.ts';
import { startWorker } from '#kit/object-store/start-worker.ts';
import { once } from 'node:events';

export interface FileLink {
  readonly source: string;
  readonly target: string;
}

/** Large enough that sending it costs nothing beside the links themselves, small enough to be stopped quickly. */
const LINKS_PER_BATCH = 1_000;

/**
 * Makes all the links in a thread of its own, which ends with the call. `temporary` names a fresh file for each batch.
 * @throws the error of the machine, with its code, or the signal's reason
 */
export async function linkFiles(
  worker: URL,
  links: AsyncIterable<FileLink> | Iterable<FileLink>,
  how: LinkBatch['how'],
  temporary: () => string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const thread = startWorker(worker);
  // `once` below rejects on `error`; between two batches nobody else listens.
  thread.on('error', () => {});
  const send = async (batch: readonly FileLink[]): Promise<void> => {
    signal.throwIfAborted();
    const ended = new AbortController();
    const answered = once(thread, 'message', { signal: ended.signal });
    const exited = once(thread, 'exit', { signal: ended.signal }).then(() => [{ error: 'The thread that makes links has ended', code: null, path: null }]);
    thread.postMessage({ how, links: batch, temporary: temporary() } satisfies LinkBatch);
    try {
      const [answer] = (await Promise.race([answered, exited])) as [LinkAnswer];
      if ('error' in answer) throw Object.assign(new Error(answer.error), { code: answer.code, path: answer.path });
    } finally {
      ended.abort();
      await Promise.allSettled([answered, exited]);
    }
  };
  try {
    let batch: FileLink[] = [];
    for await (const link of links) {
      batch.push(link);
      if (batch.length < LINKS_PER_BATCH) continue;
      await send(batch);
      batch = [];
    }
    if (batch.length > 0) await send(batch);
  } finally {
    await thread.terminate();
  }
}
