import type { Database } from '#kit/db/open-database.ts';
import type { RunMoment } from '#lineage/open-lineage.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** How OpenLineage calls the three ends of a run. */
export type RunEnd = 'COMPLETE' | 'FAIL' | 'ABORT';
const ENDS: Readonly<Record<string, RunEnd>> = { succeeded: 'COMPLETE', failed: 'FAIL', cancelled: 'ABORT' };

/** Where an export goes on: behind this moment. */
export interface MomentKey {
  readonly at: Date;
  /** A start comes before an end of the same instant. */
  readonly isEnd: boolean;
  readonly run: string;
}

export interface MomentAsk {
  readonly since: Date | null;
  readonly run: string | null;
  readonly after: MomentKey | null;
  readonly limit: number;
}

interface MomentRow {
  readonly at: Date;
  readonly is_end: boolean;
  readonly id: string;
  readonly kind: string;
  readonly number: number;
  readonly name: string;
  readonly state: string;
  readonly failure_class: string | null;
  readonly failure_message: string | null;
}

/** Starts and ends of runs, in their order. Each half is read along its index and no further than the limit. */
export async function readMoments(db: Database, tenant: TenantId, ask: MomentAsk): Promise<readonly RunMoment[]> {
  const since = ask.after?.at ?? ask.since;
  const half = (column: 'started_at' | 'ended_at') => {
    const at = sql.ref(column);
    const isEnd = column === 'ended_at';
    const conditions = [
      sql`tenant_id = ${tenant} and ${at} is not null`,
      ...(ask.run === null ? [] : [sql`id = ${ask.run}::uuid`]),
      ...(isEnd ? [sql`state in ('succeeded', 'failed', 'cancelled')`] : []),
      ...(since === null ? [] : [sql`${at} >= ${since}::timestamptz`]),
      ...(ask.after === null
        ? []
        : [sql`(${at}, ${isEnd}::boolean, id) > (${ask.after.at}::timestamptz, ${ask.after.isEnd}::boolean, ${ask.after.run}::uuid)`]),
    ];
    return sql`(select ${at} as at, ${isEnd}::boolean as is_end, id, kind, number, name, state, failure_class, failure_message
      from runs where ${sql.join(conditions, sql` and `)} order by ${at}, id limit ${ask.limit})`;
  };
  const { rows } =
    await sql<MomentRow>`select * from (${half('started_at')} union all ${half('ended_at')}) moments order by at, is_end, id limit ${ask.limit}`.execute(db);
  return withOrigins(db, tenant, rows);
}

/** What the runs came from is read from the graph, which is the same for every kind of run; its numbers from the things. */
async function withOrigins(db: Database, tenant: TenantId, rows: readonly MomentRow[]): Promise<readonly RunMoment[]> {
  const ids = [...new Set(rows.map(({ id }) => id))];
  if (ids.length === 0) return [];
  const [datasets, parents, commits, written] = await Promise.all([
    sql<RunMoment['datasets'][number] & { run: string }>`
      select used.run_id as run, datasets.id, datasets.number, datasets.name, datasets.entry_count as entries
      from run_datasets used join datasets on datasets.id = used.dataset_id
      where used.tenant_id = ${tenant} and datasets.tenant_id = ${tenant} and used.run_id = any(${ids}::uuid[]) order by datasets.number`.execute(db),
    sql<RunMoment['parents'][number] & { run: string }>`
      select run_parents.run_id as run, runs.id, runs.kind, runs.number, runs.name from run_parents join runs on runs.id = run_parents.parent_id
      where run_parents.tenant_id = ${tenant} and runs.tenant_id = ${tenant} and run_parents.run_id = any(${ids}::uuid[]) order by runs.kind, runs.number`.execute(
      db,
    ),
    sql<{ run: string; commit: string }>`
      select to_id as run, from_id as commit from lineage_edges
      where tenant_id = ${tenant} and to_kind = 'run' and to_id = any(${ids}::text[]) and relation = 'code' order by from_id`.execute(db),
    sql<{ run: string; files: number; bytes: number }>`
      select run_id as run, count(*)::int as files, coalesce(sum(size), 0)::bigint as bytes from run_output_files
      where tenant_id = ${tenant} and run_id = any(${ids}::uuid[]) group by run_id`.execute(db),
  ]);
  const of = <Row extends { run: string }>({ rows: all }: { rows: readonly Row[] }): ((run: string) => readonly Row[]) => {
    const byRun = new Map<string, Row[]>();
    for (const row of all) byRun.set(row.run, [...(byRun.get(row.run) ?? []), row]);
    return (run) => byRun.get(run) ?? [];
  };
  const [datasetsOf, parentsOf, commitsOf, writtenOf] = [of(datasets), of(parents), of(commits), of(written)];
  return rows.map((row) => ({
    at: row.at,
    end: row.is_end ? (ENDS[row.state] ?? null) : null,
    run: row.id,
    kind: row.kind,
    number: row.number,
    name: row.name,
    failure: row.failure_class === null ? null : { class: row.failure_class, message: row.failure_message ?? '' },
    written: row.is_end ? (writtenOf(row.id)[0] ?? null) : null,
    datasets: datasetsOf(row.id),
    parents: parentsOf(row.id),
    commits: commitsOf(row.id).map(({ commit }) => readCommit(commit)),
  }));
}

/** `endpoint id:repository@commit`; a repository's name may contain both characters, an endpoint's id and a commit neither. */
function readCommit(id: string): RunMoment['commits'][number] {
  const [colon, at] = [id.indexOf(':'), id.lastIndexOf('@')];
  return { endpoint: id.slice(0, colon), repository: id.slice(colon + 1, at), commit: id.slice(at + 1) };
}
