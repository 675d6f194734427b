import { makeClient, type Client } from '@sodate/client/make-client.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { createFlag, type Flag } from './flag.ts';

/** What every page works with, made once by `main.tsx` and handed down. */
export interface Platform {
  readonly client: Client;
  readonly queries: QueryClient;
  /** The server refused us although we were signed in: ask for the password again, above whatever is shown. */
  readonly sessionExpired: Flag;
  /** The latest request got no answer at all. */
  readonly connectionLost: Flag;
}

export function createPlatform(fetch: typeof globalThis.fetch): Platform {
  const sessionExpired = createFlag();
  const connectionLost = createFlag();
  const client = makeClient({ server: '', credentials: 'same-origin', fetch: watchConnection(fetch, connectionLost) });
  const onError = (error: unknown): void => {
    if (isSessionEnd(error)) sessionExpired.set(true);
  };
  const queries = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // The client repeats what is safe to repeat. A server on this machine answers although the browser is "offline".
      queries: { retry: false, networkMode: 'always', staleTime: 10_000, refetchOnWindowFocus: true },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
  return { client, queries, sessionExpired, connectionLost };
}

export const isSessionEnd = (error: unknown): boolean => isSodateError(error) && error.code === 'not-signed-in';

function watchConnection(fetch: typeof globalThis.fetch, lost: Flag): typeof globalThis.fetch {
  return async (input, init) => {
    try {
      const response = await fetch(input, init);
      // A proxy whose server is away answers in its place.
      lost.set(response.status >= 502 && response.status <= 504);
      return response;
    } catch (error) {
      if (init?.signal?.aborted !== true) lost.set(true);
      throw error;
    }
  };
}

const PlatformContext = createContext<Platform | null>(null);
export const PlatformProvider = PlatformContext.Provider;

export function usePlatform(): Platform {
  const platform = useContext(PlatformContext);
  if (platform === null) throw new Error('usePlatform outside its provider');
  return platform;
}

export const useClient = (): Client => usePlatform().client;
