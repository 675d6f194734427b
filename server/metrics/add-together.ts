import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { isKept, type NewPoint, planPoints, updateOfSeries } from '#metrics/append-points.ts';
import { type Chunk, insertionOfChunks, insertionOfChunksOfNew } from '#metrics/chunk-store.ts';
import { groupBy } from '#metrics/group-by.ts';
import { type HeldRun, holdTogether } from '#metrics/hold-together.ts';
import { removeKnownPoints } from '#metrics/known-points.ts';
import { PARAMETERS_PER_RUN_LIMIT, POINTS_PER_RUN_LIMIT, SERIES_PER_RUN_LIMIT } from '#metrics/metric-limits.ts';
import type { Point } from '#metrics/packed-points.ts';
import { insertionOfParameters, type Parameter, type PresentParameters, readPresentParameters } from '#metrics/parameter-store.ts';
import { insertionOfSeries, type NewSeries, newSeriesRow, type SeriesRow } from '#metrics/series-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

/** What requests bring for one run, in their order. */
export interface RunAddition {
  readonly run: RunId;
  readonly points: readonly NewPoint[];
  readonly parameters: readonly Parameter[];
}

/** Series of a run in one addition. Whoever makes very many new ones has the tables looked at in between (`claimSeries`). */
const SERIES_LIMIT = 100;

/**
 * What `appendPoints` and `setParameters` do for one run, for several of a tenant in the caller's transaction, in a few
 * statements whatever their number: most requests bring one point, and then the ways to the database are most of what it
 * costs. It takes what is plain and refuses nothing: whatever nears a limit, says something else of a parameter, or belongs
 * to a run that somebody holds is left to those two, which say what is wrong, or wait.
 * @param along insertions for the same statement, when it is known which runs are left
 * @returns the runs that were left; nothing of them was stored
 * @throws whatever the database refuses, such as a name that a file's series has, or a run that is being deleted: nothing of
 * the transaction is good then, and each addition is to be made by itself
 */
export async function addTogether(
  tx: DatabaseTransaction,
  tenant: TenantId,
  additions: readonly RunAddition[],
  along: (left: ReadonlySet<RunId>) => readonly RawBuilder<unknown>[] = () => [],
): Promise<ReadonlySet<RunId>> {
  const left = new Set<RunId>();
  const asked: { readonly run: RunId; readonly addition: RunAddition; readonly byTag: ReadonlyMap<string, readonly NewPoint[]> }[] = [];
  for (const addition of additions) {
    const byTag = groupBy(addition.points, ({ series }) => series);
    if (byTag.size > SERIES_LIMIT || !addition.points.every(isKept)) left.add(addition.run);
    else asked.push({ run: addition.run, addition, byTag });
  }
  const held = await holdTogether(
    tx,
    tenant,
    asked.map(({ run, byTag }) => ({ run, tags: [...byTag.keys()] })),
  );
  const named = asked.filter(({ run, addition }) => addition.parameters.length > 0 && held.get(run)?.fresh === false);
  const present = await readPresentParameters(
    tx,
    tenant,
    named.map(({ run, addition }) => ({ run, names: addition.parameters.map(({ name }) => name) })),
  );

  const news: NewSeries[] = [];
  const grown: { readonly series: SeriesRow; readonly points: readonly Point[] }[] = [];
  const counts: { readonly run: RunId; readonly series: number; readonly points: number }[] = [];
  const parameters: (Parameter & { readonly run: RunId })[] = [];
  for (const { run, addition, byTag } of asked) {
    const metrics = held.get(run);
    const fresh = freshParameters(addition.parameters, present.get(run));
    if (metrics === undefined || fresh === null || !hasRoom(metrics, addition, byTag)) {
      left.add(run);
      continue;
    }
    const before = { news: news.length, points: 0 };
    for (const [tag, points] of byTag) {
      const known = metrics.present.get(tag);
      const series = known ?? newSeriesRow(tag, -1 - news.length);
      if (known === undefined) news.push({ run, id: series.id, tag });
      const unknown = await removeKnownPoints(tx, tenant, series, points);
      before.points += unknown.length;
      if (unknown.length > 0) grown.push({ series, points: unknown });
    }
    if (before.points > 0) counts.push({ run, series: news.length - before.news, points: before.points });
    parameters.push(...fresh.map((parameter) => ({ run, ...parameter })));
  }
  const plan = await planPoints(tx, tenant, grown);
  await store(tx, tenant, { news, ...plan, counts, parameters, along: along(left) });
  return left;
}

const hasRoom = (held: HeldRun, { points }: RunAddition, byTag: ReadonlyMap<string, unknown>): boolean =>
  held.points + points.length <= POINTS_PER_RUN_LIMIT && held.series + byTag.size - held.present.size <= SERIES_PER_RUN_LIMIT;

/** Each once, without those that are set to this already; null where one is set to something else, or there may be no room. */
function freshParameters(asked: readonly Parameter[], present: PresentParameters | undefined): readonly Parameter[] | null {
  const values = new Map(present?.values);
  const fresh: Parameter[] = [];
  for (const parameter of asked) {
    const now = values.get(parameter.name);
    if (now !== undefined && now !== parameter.value) return null;
    if (now === undefined) fresh.push(parameter);
    values.set(parameter.name, parameter.value);
  }
  return (present?.count ?? 0) + fresh.length > PARAMETERS_PER_RUN_LIMIT ? null : fresh;
}

/** All of it in one statement, of which what there is nothing for is no part. Why it has this form says `updateOfSeries`. */
async function store(
  tx: DatabaseTransaction,
  tenant: TenantId,
  what: {
    readonly news: readonly NewSeries[];
    readonly series: readonly SeriesRow[];
    readonly chunks: readonly Chunk[];
    readonly counts: readonly { readonly run: RunId; readonly series: number; readonly points: number }[];
    readonly parameters: readonly (Parameter & { readonly run: RunId })[];
    readonly along: readonly RawBuilder<unknown>[];
  },
): Promise<void> {
  const { news, chunks, counts, parameters } = what;
  const parts: RawBuilder<unknown>[] = [];
  const grown = what.series.filter(({ id }) => id >= 0);
  if (news.length > 0) {
    const rows = new Map(what.series.map((row) => [row.id, row]));
    parts.push(sql`made as (${insertionOfSeries(tenant, news, rows)} returning id, run_id, tag)`);
  }
  if (chunks.length > 0) parts.push(sql`chunks as (${news.length > 0 ? insertionOfChunksOfNew(tenant, chunks, news) : insertionOfChunks(tenant, chunks)})`);
  if (grown.length > 0) parts.push(sql`grown as (${updateOfSeries(tenant, grown)})`);
  if (parameters.length > 0) parts.push(sql`parameters as (${insertionOfParameters(tenant, parameters)})`);
  for (const [at, insertion] of what.along.entries()) parts.push(sql`${sql.ref(`along_${at}`)} as (${insertion})`);
  if (parts.length === 0) return;
  await sql`
    with ${sql.join(parts)}
    update metric_runs m set series = m.series + u.series, points = m.points + u.points
    from (select * from unnest(${counts.map(({ run }) => run)}::uuid[], ${counts.map(({ series }) => series)}::int[],
      ${counts.map(({ points }) => points)}::bigint[]) as u (run_id, series, points) limit ${counts.length}) u
    where m.run_id = u.run_id and m.tenant_id is not distinct from ${tenant}`.execute(tx);
}
