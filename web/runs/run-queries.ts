import type { Client } from '@sodate/client/make-client.ts';
import { getRun, getTimeline, getWaiting, listAttempts, listOutputs, listRuns, type Run } from '@sodate/contract/run-routes.ts';
import type { RunKindName, RunState } from '@sodate/contract/runs.ts';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

/* Keys are `[tenant, 'run', 'list' | id, …]`: what the live changes of `kit/live-changes.ts` refresh. */

export interface RunsFilter {
  readonly kind?: RunKindName | undefined;
  readonly state?: readonly RunState[] | undefined;
  readonly tag?: readonly string[] | undefined;
  /** A user's name. */
  readonly createdBy?: string | undefined;
  readonly favourite?: true | undefined;
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
}

export const RUNS_PER_PAGE = 50;

export const runsQuery = (client: Client, tenant: string, filter: RunsFilter, cursor: string | undefined) =>
  queryOptions({
    queryKey: [tenant, 'run', 'list', filter, cursor ?? ''],
    queryFn: ({ signal }) =>
      client.call(listRuns, {
        params: { tenant },
        query: {
          kind: filter.kind,
          search: filter.search,
          sort: filter.sort,
          createdBy: filter.createdBy,
          state: filter.state === undefined ? undefined : [...filter.state],
          tag: filter.tag === undefined ? undefined : [...filter.tag],
          favourite: filter.favourite === true ? 'true' : undefined,
          cursor,
          limit: RUNS_PER_PAGE,
        },
        signal,
      }),
    placeholderData: keepPreviousData,
  });

/** The id behind `training-12`, as addresses name runs; it never changes. */
export const runIdQuery = (client: Client, tenant: string, reference: string) =>
  queryOptions({
    queryKey: [tenant, 'run-id', reference],
    queryFn: async ({ signal, client: queries }) => {
      const run = await client.call(getRun, { params: { tenant, run: reference }, signal });
      // What is there came later, or will be asked for again: its key is that of live changes.
      queries.setQueryData<Run>([tenant, 'run', run.id], (known) => known ?? run);
      return run.id;
    },
    staleTime: Number.POSITIVE_INFINITY,
    // As long as it may take from the first request of a page to its first drawing.
    gcTime: 10_000,
  });

export const runQuery = (client: Client, tenant: string, id: string) =>
  queryOptions({ queryKey: [tenant, 'run', id], queryFn: ({ signal }) => client.call(getRun, { params: { tenant, run: id }, signal }) });

/** Who is ahead changes without this run changing, so this is also asked from time to time. */
export const waitingQuery = (client: Client, tenant: string, id: string) =>
  queryOptions({
    queryKey: [tenant, 'run', id, 'waiting'],
    queryFn: ({ signal }) => client.call(getWaiting, { params: { tenant, run: id }, signal }),
    refetchInterval: 5_000,
  });

export const timelineQuery = (client: Client, tenant: string, id: string) =>
  queryOptions({ queryKey: [tenant, 'run', id, 'timeline'], queryFn: ({ signal }) => client.call(getTimeline, { params: { tenant, run: id }, signal }) });

export const attemptsQuery = (client: Client, tenant: string, id: string) =>
  queryOptions({ queryKey: [tenant, 'run', id, 'attempts'], queryFn: ({ signal }) => client.call(listAttempts, { params: { tenant, run: id }, signal }) });

export const OUTPUTS_PER_PAGE = 500;

/** Files appear without an event, so a folder is looked at again while the job runs. */
export const outputsQuery = (client: Client, tenant: string, id: string, path: string, cursor: string | undefined, running: boolean) =>
  queryOptions({
    queryKey: [tenant, 'run', id, 'outputs', path, cursor ?? ''],
    queryFn: ({ signal }) => client.call(listOutputs, { params: { tenant, run: id }, query: { path, cursor, limit: OUTPUTS_PER_PAGE }, signal }),
    refetchInterval: running ? 3_000 : false,
    placeholderData: keepPreviousData,
  });
