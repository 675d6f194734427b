import { RunRef } from '@sodate/contract/ids.ts';
import { RunKindName, RunState } from '@sodate/contract/runs.ts';
import { readAsked } from '../search/read-asked.ts';
import type { RunsFilter } from './run-queries.ts';

/* What the addresses of these pages may say behind the question mark; anything else is left out, not an error. */

export const RUN_TABS = ['log', 'metrics', 'outputs', 'attachments', 'timeline', 'request', 'ancestry'] as const;
export type RunTab = (typeof RUN_TABS)[number];

export const readRunSearch = (search: Record<string, unknown>): { readonly tab?: RunTab | undefined } => ({
  tab: RUN_TABS.find((tab) => tab === search['tab']),
});

export interface SubmitSearch {
  /** Submitted again from this run, with everything as it was. */
  readonly from?: string | undefined;
  /** What the new run stands on. */
  readonly parent?: string | undefined;
  readonly dataset?: number | undefined;
}

export const readSubmitSearch = (search: Record<string, unknown>): SubmitSearch => ({
  from: RunRef.safeParse(search['from']).data,
  parent: RunRef.safeParse(search['parent']).data,
  dataset: typeof search['dataset'] === 'number' && Number.isSafeInteger(search['dataset']) && search['dataset'] > 0 ? search['dataset'] : undefined,
});

const textOf = (value: unknown): string | undefined => {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim().slice(0, 200) : '';
  return text === '' ? undefined : text;
};

export function readRunsSearch(search: Record<string, unknown>): RunsFilter {
  const states = [search['state']].flat().flatMap((state) => RunState.safeParse(state).data ?? []);
  const tags = [search['tag']].flat().flatMap((tag) => textOf(tag) ?? []);
  return {
    kind: RunKindName.safeParse(search['kind']).data,
    state: states.length === 0 ? undefined : states,
    ...readAsked(search),
    tag: tags.length === 0 ? undefined : tags,
    createdBy: textOf(search['createdBy']),
    favourite: search['favourite'] === true ? true : undefined,
  };
}
