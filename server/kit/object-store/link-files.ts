import type { LinkAnswer, LinkBatch } from '#kit/object-store/link-worker.ts';
import { startWorker } from '#kit/object-store/start-worker.ts';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

export interface FileLink {
  readonly source: string;
  readonly target: string;
}

/** Large enough that sending it costs nothing beside the links themselves, small enough to be stopped quickly. */
const LINKS_PER_BATCH = 500;
/**
 * Sent and not answered yet: the next links are looked up while the present ones are made, 10 ms a batch. So many bridge
 * the time that reading the next 15,000 files' rows takes.
 */
const BATCHES_UNDER_WAY = 16;

/**
 * Makes all the links in a thread of its own, which ends with the call. `temporary` names a fresh file for each batch.
 * @throws the error of the machine, with its code, or the signal's reason
 */
export async function linkFiles<Link>(ask: {
  readonly worker: URL;
  readonly links: AsyncIterable<Link> | Iterable<Link>;
  readonly toFiles: (link: Link) => FileLink;
  readonly how: LinkBatch['how'];
  readonly temporary: () => string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { links, toFiles, how, temporary, signal } = ask;
  signal.throwIfAborted();
  const thread = openLinkThread(ask.worker);
  let paths: string[] = [];
  const send = async (): Promise<void> => {
    signal.throwIfAborted();
    thread.send({ how, links: paths.join('\0'), count: paths.length / 2, temporary: temporary() });
    paths = [];
    await thread.fewerThan(BATCHES_UNDER_WAY);
    // Links that are at hand are taken without a pause; here others have their turn.
    await turnOfTheLoop();
  };
  try {
    for await (const link of links) {
      const { source, target } = toFiles(link);
      if (paths.push(source, target) >= LINKS_PER_BATCH * 2) await send();
    }
    if (paths.length > 0) await send();
    await thread.fewerThan(1);
    signal.throwIfAborted();
  } finally {
    await thread.end();
  }
}

interface LinkThread {
  send(batch: LinkBatch): void;
  /** Resolves when fewer batches than this have no answer yet. @throws as soon as one has failed */
  fewerThan(count: number): Promise<void>;
  end(): Promise<void>;
}

function openLinkThread(url: URL): LinkThread {
  const thread: Worker = startWorker(url);
  const state: { underWay: number; failure: Error | null; wake: () => void } = { underWay: 0, failure: null, wake: () => {} };
  const fail = (error: Error): void => {
    state.failure ??= error;
    state.wake();
  };
  thread.on('message', (answer: LinkAnswer) => {
    state.underWay -= 1;
    if ('error' in answer) fail(Object.assign(new Error(answer.error), { code: answer.code, path: answer.path }));
    state.wake();
  });
  thread.on('error', fail);
  thread.on('exit', () => fail(new Error('The thread that makes links has ended')));
  return {
    send(batch) {
      state.underWay += 1;
      thread.postMessage(batch);
    },
    async fewerThan(count) {
      while (state.failure === null && state.underWay >= count) await new Promise<void>((resolve) => (state.wake = resolve));
      if (state.failure !== null) throw state.failure;
    },
    async end() {
      await thread.terminate();
    },
  };
}
