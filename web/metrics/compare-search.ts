import { RunRef } from '@sodate/contract/ids.ts';

/** As many as the server compares at once. */
export const COMPARED_RUNS_LIMIT = 100;

export const METRIC_VIEWS = ['charts', 'values', 'parameters', 'histograms', 'images', 'texts'] as const;
export type MetricView = (typeof METRIC_VIEWS)[number];

export interface CompareSearch {
  /** References between commas, so that people can read and change the address. */
  readonly runs?: string | undefined;
  readonly view?: MetricView | undefined;
}

/** Each reference once; what is none is left out. */
export const readRunReferences = (text: string | undefined): readonly string[] =>
  [...new Set((text ?? '').split(',').flatMap((reference) => RunRef.safeParse(reference.trim()).data ?? []))].slice(0, COMPARED_RUNS_LIMIT);

export function readCompareSearch(search: Record<string, unknown>): CompareSearch {
  const runs = readRunReferences(typeof search['runs'] === 'string' ? search['runs'] : undefined);
  return { runs: runs.length === 0 ? undefined : runs.join(','), view: METRIC_VIEWS.find((view) => view === search['view'] && view !== 'charts') };
}
