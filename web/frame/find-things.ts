import type { Client } from '@sodate/client/make-client.ts';
import { getData, listData } from '@sodate/contract/data.ts';
import { getDataset, listDatasets } from '@sodate/contract/datasets.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { getRun, listRuns } from '@sodate/contract/run-routes.ts';
import { RUN_KINDS, type RunKindName } from '@sodate/contract/runs.ts';

export type Found =
  | { readonly what: 'data' | 'dataset'; readonly id: string; readonly number: number; readonly name: string }
  | { readonly what: 'run'; readonly id: string; readonly number: number; readonly name: string; readonly kind: RunKindName };

/** So many of each sort. */
const FOUND_OF_EACH = 5;
const SHORTEST_NAME = 2;

/** What a text asks for: things of a number (`12`, `#12`, `training-12`), or things by a part of their name. */
export function readWish(text: string): { readonly number: number | null; readonly kind: RunKindName | null; readonly name: string | null } {
  const wanted = text.trim();
  const [, kind, digits] = /^(?:#|([a-z]+)[- ]#?)?([1-9]\d{0,14})$/i.exec(wanted) ?? [];
  const known = RUN_KINDS.find((one) => one === kind?.toLowerCase()) ?? null;
  const number = digits === undefined || (kind !== undefined && known === null) ? null : Number(digits);
  return { number, kind: known, name: wanted.length >= SHORTEST_NAME ? wanted.slice(0, 200) : null };
}

/** Everything in a tenant that fits, what was asked for by number first. */
export async function findThings(client: Client, tenant: string, text: string, signal: AbortSignal): Promise<readonly Found[]> {
  const { number, kind, name } = readWish(text);
  const params = { tenant };
  const query = { text: name ?? undefined, limit: FOUND_OF_EACH };
  const byNumber: Promise<Found | null>[] = [];
  if (number !== null) {
    const reference = String(number);
    for (const one of kind === null ? RUN_KINDS : [kind]) {
      byNumber.push(orNull(client.call(getRun, { params: { tenant, run: `${one}-${reference}` }, signal }).then((run) => ({ what: 'run' as const, ...run }))));
    }
    if (kind === null) {
      byNumber.push(orNull(client.call(getData, { params: { tenant, data: reference }, signal }).then((data) => ({ what: 'data' as const, ...data }))));
      byNumber.push(
        orNull(client.call(getDataset, { params: { tenant, dataset: reference }, signal }).then((dataset) => ({ what: 'dataset' as const, ...dataset }))),
      );
    }
  }
  const byName: Promise<readonly Found[]>[] =
    name === null
      ? []
      : [
          client.call(listRuns, { params, query, signal }).then(({ items }) => items.map((run) => ({ what: 'run' as const, ...run }))),
          client.call(listData, { params, query, signal }).then(({ items }) => items.map((data) => ({ what: 'data' as const, ...data }))),
          client.call(listDatasets, { params, query, signal }).then(({ items }) => items.map((dataset) => ({ what: 'dataset' as const, ...dataset }))),
        ];
  const numbered = (await Promise.all(byNumber)).filter((found) => found !== null);
  const named = (await Promise.all(byName)).flat();
  return [...new Map([...numbered, ...named].map((found) => [found.id, found])).values()];
}

const orNull = (asked: Promise<Found>): Promise<Found | null> =>
  asked.catch((error: unknown) => {
    if (isSodateError(error) && error.code === 'not-found') return null;
    throw error;
  });
