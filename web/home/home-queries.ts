import type { Client } from '@sodate/client/make-client.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { queryOptions } from '@tanstack/react-query';

/** What occupies a machine, from the moment of its placement to its end. */
const HELD: readonly RunState[] = ['starting', 'running', 'stopping', 'finishing'];
const SHOWN = { held: 12, queued: 6, failed: 6, mine: 6, any: 1 } as const;

type Part = keyof typeof SHOWN;

/** One part of the home page: lists of runs like any other, so that the live changes refresh them. */
export const homeRunsQuery = (client: Client, tenant: string, part: Part, me: string) =>
  queryOptions({
    queryKey: [tenant, 'run', 'list', 'home', part, me],
    queryFn: ({ signal }) =>
      client.call(listRuns, {
        params: { tenant },
        query: {
          limit: SHOWN[part],
          state: part === 'held' ? [...HELD] : part === 'queued' ? ['queued'] : part === 'failed' ? ['failed'] : undefined,
          createdBy: part === 'mine' ? me : undefined,
        },
        signal,
      }),
  });

/** All that the home page asks for at once. */
export const homeQueries = (client: Client, tenant: string, me: string) => [
  ...(['held', 'queued', 'failed', 'any'] as const).map((part) => homeRunsQuery(client, tenant, part, '')),
  homeRunsQuery(client, tenant, 'mine', me),
];
