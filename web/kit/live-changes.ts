import { followChanges } from '@sodate/client/live.ts';
import type { ChangeEvent } from '@sodate/contract/live.ts';
import type { QueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { isSessionEnd, usePlatform } from './platform.tsx';

/** Lists are loaded again at most this often, however much happens. */
const LISTS_AT_MOST_EVERY_MS = 1_000;
/**
 * A page in the background gives its stream back after this long: browsers allow six connections to a server, and seven
 * tabs with a stream each would lock everybody out. On return everything shown is loaded anew.
 */
const HIDDEN_FOR_MS = 30_000;

/** Keeps what is shown of a tenant true: loads again what the server says has changed. */
export function useLiveChanges(tenant: string): void {
  const { client, queries, sessionExpired } = usePlatform();
  useEffect(() => {
    const refresh = createRefresher(queries, tenant);
    const stop = whileVisible(async (signal, again) => {
      if (again) void queries.invalidateQueries({ queryKey: [tenant] });
      try {
        for await (const change of followChanges(client, tenant, signal)) {
          if (change.kind === 'reload') void queries.invalidateQueries({ queryKey: [tenant] });
          else refresh.on(change.event);
        }
      } catch (error) {
        // Other refusals are shown by the queries that meet them.
        if (isSessionEnd(error)) sessionExpired.set(true);
      }
    });
    const onSession = sessionExpired.subscribe(() => {
      if (!sessionExpired.get()) stop.restart();
    });
    return () => {
      onSession();
      stop.end();
      refresh.end();
    };
  }, [client, queries, sessionExpired, tenant]);
}

/** Runs `work` while the page is visible, or hidden only briefly; `again` is true after a break. */
export function whileVisible(work: (signal: AbortSignal, again: boolean) => Promise<void>): { end(): void; restart(): void } {
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = (again: boolean): void => {
    abort.abort();
    abort = new AbortController();
    void work(abort.signal, again);
  };
  const onVisibility = (): void => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => abort.abort(), HIDDEN_FOR_MS);
    else if (abort.signal.aborted) begin(true);
  };
  document.addEventListener('visibilitychange', onVisibility);
  begin(false);
  return {
    restart: () => begin(true),
    end() {
      document.removeEventListener('visibilitychange', onVisibility);
      clearTimeout(timer);
      abort.abort();
    },
  };
}

/** Query keys are `[tenant, topic, 'list' | id, …]`. One thing is loaded again at once, lists in batches. */
export function createRefresher(queries: QueryClient, tenant: string): { on(event: ChangeEvent): void; end(): void } {
  const waiting = new Map<string, ReturnType<typeof setTimeout>>();
  return {
    on(event) {
      loadAgain(queries, [tenant, event.topic, event.id]);
      if (waiting.has(event.topic)) return;
      const timer = setTimeout(() => {
        waiting.delete(event.topic);
        loadAgain(queries, [tenant, event.topic, 'list']);
      }, LISTS_AT_MOST_EVERY_MS);
      waiting.set(event.topic, timer);
    },
    end() {
      for (const timer of waiting.values()) clearTimeout(timer);
    },
  };
}

/**
 * What is being loaded for the first time may have been answered before the change, and is not asked for anew by being made
 * invalid. So it is loaded once more when it is there, also where it comes under another key than its own, as a run does that
 * was asked for by its number.
 */
function loadAgain(queries: QueryClient, queryKey: readonly [tenant: string, topic: string, which: string]): void {
  const loading = queries.getQueryCache().findAll({ queryKey: [queryKey[0]], fetchStatus: 'fetching', predicate: ({ state }) => state.data === undefined });
  void queries.invalidateQueries({ queryKey });
  if (loading.length > 0) void Promise.allSettled(loading.map(async ({ promise }) => promise)).then(() => queries.invalidateQueries({ queryKey }));
}
