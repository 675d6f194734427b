import type { Database } from '#kit/db/open-database.ts';
import { sql } from 'kysely';

/** What changes by itself while a server only looks after itself, by table; null = the whole table. */
const VOLATILE: Readonly<Record<string, readonly string[] | null>> = {
  sessions: ['expires_at'],
  tokens: ['last_used_at'],
  nodes: ['seen_at'],
  node_executors: ['seen_at'],
  runs: ['due_at', 'lease_holder', 'lease_token', 'lease_until', 'manifest_at', 'metrics_read_at'],
  attempts: ['phase', 'phase_progress'],
  run_output_files: null,
  reconciler_leases: null,
  queue_blockers: null,
};

/**
 * Every table's number of rows and a digest of their contents: two snapshots are equal when nothing has happened in
 * between, neither a row more nor a changed one.
 */
export async function snapshotDatabase(db: Database): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public' order by tablename`.execute(db);
  const stable = tables.filter(({ name }) => VOLATILE[name] !== null);
  const parts = stable.map(
    ({ name }) => sql`select ${name}::text as name, count(*)::int as count,
      coalesce(md5(string_agg(content, '' order by content)), '') as digest
      from (select (to_jsonb(t) - ${[...(VOLATILE[name] ?? [])]}::text[])::text as content from ${sql.table(name)} t) rows_of_it`,
  );
  const { rows } = await sql<{ name: string; count: number; digest: string }>`${sql.join(parts, sql` union all `)}`.execute(db);
  return Object.fromEntries(rows.map(({ name, count, digest }) => [name, `${count} rows ${digest}`]));
}
