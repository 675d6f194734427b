import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, describe, expect, it } from 'vitest';
import { createRefresher } from './live-changes.ts';

/** A server whose answers are given when the test says so, each with what was true when it was asked. */
function makeSlowServer() {
  const held: { state: string; answers: (() => void)[] } = { state: 'running', answers: [] };
  const ask = (): Promise<string> => {
    const { state } = held;
    return new Promise((resolve) => held.answers.push(() => resolve(state)));
  };
  const answer = async (): Promise<void> => {
    await expect.poll(() => held.answers.length).toBeGreaterThan(0);
    held.answers.shift()?.();
  };
  return { held, ask, answer };
}

describe('live changes', () => {
  const ends: (() => void)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  const open = () => {
    const queries = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: 'always' } } });
    const refresher = createRefresher(queries, 'vision');
    ends.push(() => refresher.end());
    const show = (queryKey: readonly string[], queryFn: () => Promise<unknown>): void => {
      ends.push(new QueryObserver(queries, { queryKey, queryFn, staleTime: Number.POSITIVE_INFINITY }).subscribe(() => {}));
    };
    return { queries, refresher, show };
  };
  const ended = { topic: 'run', id: 'r1', change: 'updated' } as const;

  it('loads again what has changed', async () => {
    const { queries, refresher, show } = open();
    const { held, ask, answer } = makeSlowServer();
    show(['vision', 'run', 'r1'], ask);
    await answer();
    await expect.poll(() => queries.getQueryData(['vision', 'run', 'r1'])).toBe('running');
    held.state = 'succeeded';
    refresher.on(ended);
    await answer();
    await expect.poll(() => queries.getQueryData(['vision', 'run', 'r1'])).toBe('succeeded');
  });

  it('loads again what was asked for the first time before it changed, and answered after', async () => {
    const { queries, refresher, show } = open();
    const { held, ask, answer } = makeSlowServer();
    show(['vision', 'run', 'r1'], ask);
    held.state = 'succeeded';
    refresher.on(ended);
    await answer();
    await answer();
    await expect.poll(() => queries.getQueryData(['vision', 'run', 'r1'])).toBe('succeeded');
  });

  it('loads again what came under another key meanwhile', async () => {
    const { queries, refresher, show } = open();
    const { held, ask, answer } = makeSlowServer();
    show(['vision', 'run-id', 'task-1'], async () => {
      queries.setQueryData(['vision', 'run', 'r1'], await ask());
      show(['vision', 'run', 'r1'], ask);
      return 'r1';
    });
    held.state = 'succeeded';
    refresher.on(ended);
    await answer();
    await answer();
    await expect.poll(() => queries.getQueryData(['vision', 'run', 'r1'])).toBe('succeeded');
  });
});
