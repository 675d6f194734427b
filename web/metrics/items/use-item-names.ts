import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useClient } from '../../kit/platform.tsx';
import type { MetricRun } from '../metric-queries.ts';
import { ITEM_KINDS, type ItemKind, itemNamesQuery } from './item-queries.ts';

/** Of how many runs at once pictures and the like are shown: more do not fit beside each other. */
export const ITEM_RUNS_LIMIT = 8;

export interface ItemsOfRuns {
  /** Names of each kind, in order, with the runs that have them. */
  readonly byKind: Readonly<Record<ItemKind, ReadonlyMap<string, readonly MetricRun[]>>>;
  readonly isPending: boolean;
  readonly error: Error | null;
  /** A run has more names than are listed. */
  readonly truncated: boolean;
  refetch(): void;
}

/** What some runs have besides numbers. */
export function useItemNames(tenant: string, runs: readonly MetricRun[]): ItemsOfRuns {
  const client = useClient();
  const looked = runs.slice(0, ITEM_RUNS_LIMIT);
  const answers = useQueries({ queries: looked.map(({ id }) => itemNamesQuery(client, tenant, id)) });
  const names = answers.map(({ data }) => data?.names);
  const identity = JSON.stringify([looked, names]);
  const byKind = useMemo(() => gather(identity), [identity]);
  return {
    byKind,
    isPending: answers.some(({ isPending }) => isPending),
    error: answers.find(({ error }) => error !== null)?.error ?? null,
    truncated: answers.some(({ data }) => data?.truncated === true),
    refetch: () => answers.forEach((answer) => void answer.refetch()),
  };
}

function gather(identity: string): ItemsOfRuns['byKind'] {
  const [runs, all] = JSON.parse(identity) as [readonly MetricRun[], readonly (Readonly<Record<ItemKind, readonly string[]>> | null)[]];
  const ofKind = (kind: ItemKind): ReadonlyMap<string, readonly MetricRun[]> => {
    const found = new Map<string, MetricRun[]>();
    for (const [index, run] of runs.entries())
      for (const name of all[index]?.[kind] ?? []) {
        const having = found.get(name);
        if (having === undefined) found.set(name, [run]);
        else having.push(run);
      }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const [histogram, image, text] = ITEM_KINDS.map(ofKind);
  const none: ReadonlyMap<string, readonly MetricRun[]> = new Map();
  return { histogram: histogram ?? none, image: image ?? none, text: text ?? none };
}
