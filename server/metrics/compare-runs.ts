import type { Database } from '#kit/db/open-database.ts';
import { groupBy } from '#metrics/group-by.ts';
import { findSeries, selectLatest } from '#metrics/list-series.ts';
import { readParameters } from '#metrics/parameter-store.ts';
import { showNullable } from '#metrics/show-metrics.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import type { compareRuns } from '@sodate/contract/metrics.ts';
import type { z } from 'zod';

type Comparison = z.input<(typeof compareRuns)['response']>;

/** Series of all runs together. */
const COMPARED_LIMIT = 20_000;

/** What the runs have of metrics and parameters, by name, each in the order of the runs. */
export async function compareMetrics(
  db: Database,
  tenant: TenantId,
  runs: readonly RunId[],
  names: readonly string[] | undefined,
): Promise<Pick<Comparison, 'metrics' | 'parameters' | 'truncated'>> {
  const [rows, parameters] = await Promise.all([
    names === undefined ? selectLatest(db, tenant, runs, COMPARED_LIMIT + 1) : findSeries(db, tenant, runs, names),
    readParameters(db, tenant, runs),
  ]);
  const byName = <Row extends { readonly name: string; readonly run_id: string }>(all: readonly Row[]) =>
    [...groupBy(all, ({ name }) => name)]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, some]) => ({ name, values: runs.map((run) => some.find(({ run_id }) => run_id === run) ?? null) }));
  return {
    metrics: byName(rows.slice(0, COMPARED_LIMIT)).map(({ name, values }) => ({
      name,
      values: values.map((row) =>
        row === null
          ? null
          : { last: showNullable(row.last_value), lastStep: row.last_step, min: showNullable(row.min_value), max: showNullable(row.max_value) },
      ),
    })),
    parameters: byName(parameters).map(({ name, values }) => {
      const texts = values.map((row) => row?.value ?? null);
      return { name, values: texts, differs: new Set(texts).size > 1 };
    }),
    truncated: rows.length > COMPARED_LIMIT,
  };
}
