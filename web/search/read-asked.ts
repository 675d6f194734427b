import { SearchExpression, Sort } from '@sodate/contract/search.ts';
import type { SearchAsked } from './saved-searches.tsx';

/** What an address says of a search; anything else is left out, not an error. */
export function readAsked(search: Record<string, unknown>): SearchAsked {
  const written = SearchExpression.safeParse(typeof search['search'] === 'number' ? String(search['search']) : search['search']).data;
  return { search: written === '' ? undefined : written, sort: Sort.safeParse(search['sort']).data };
}
