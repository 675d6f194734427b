import type { Client } from '@sodate/client/make-client.ts';
import { getMe, type Me } from '@sodate/contract/session.ts';
import { queryOptions, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useClient } from '../kit/platform.tsx';

export const ME_KEY = ['me'] as const;

export const meQuery = (client: Client) => queryOptions({ queryKey: ME_KEY, queryFn: ({ signal }) => client.call(getMe, { signal }), staleTime: 300_000 });

/** Who is signed in; below the frame, where that is known. */
export const useMe = (): Me => useSuspenseQuery(meQuery(useClient())).data;

export const useMaybeMe = (): Me | undefined => useQuery({ ...meQuery(useClient()), enabled: false }).data;
