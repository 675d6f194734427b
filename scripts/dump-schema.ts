import type pg from 'pg';

const query = async (pool: pg.Pool, text: string): Promise<readonly Record<string, string>[]> => (await pool.query<Record<string, string>>(text)).rows;

/** The schema as text, for review as a difference: tables with their columns, constraints, indexes and statistics, sequences, functions. */
export async function dumpSchema(pool: pg.Pool): Promise<string> {
  const columns = await query(
    pool,
    `select table_name, column_name, udt_name || case when is_nullable = 'NO' then ' not null' else '' end
       || coalesce(' default ' || column_default, '') || case when is_identity = 'YES' then ' identity' else '' end as definition
     from information_schema.columns where table_schema = 'public' order by table_name, ordinal_position`,
  );
  const constraints = await query(
    pool,
    `select conrelid::regclass::text as table_name, conname, pg_get_constraintdef(oid) as definition from pg_constraint
     where connamespace = 'public'::regnamespace and contype <> 'n' order by 1, contype, conname`,
  );
  const indexes = await query(
    pool,
    `select tablename as table_name, indexdef from pg_indexes where schemaname = 'public'
       and indexname not in (select conname from pg_constraint where connamespace = 'public'::regnamespace) order by 1, indexname`,
  );
  const sequences = await query(pool, `select sequence_name from information_schema.sequences where sequence_schema = 'public' order by 1`);
  const statistics = await query(
    pool,
    `select stxrelid::regclass::text as table_name, pg_get_statisticsobjdef(oid) as definition from pg_statistic_ext
     where stxnamespace = 'public'::regnamespace order by 1, stxname`,
  );
  const functions = await query(
    pool,
    // Those of extensions are not ours.
    `select pg_get_functiondef(oid) as definition from pg_proc where pronamespace = 'public'::regnamespace
       and oid not in (select objid from pg_depend where classid = 'pg_proc'::regclass and deptype = 'e') order by proname`,
  );
  const tables = [...new Set(columns.map((row) => row['table_name'] ?? ''))];
  const parts = tables.map((table) => {
    const of = (rows: readonly Record<string, string>[]): readonly Record<string, string>[] => rows.filter((row) => row['table_name'] === table);
    return [
      `table ${table}`,
      ...of(columns).map((row) => `  ${row['column_name']} ${row['definition']}`),
      ...of(constraints).map((row) => `  constraint ${row['conname']} ${row['definition']}`),
      ...of(indexes).map((row) => `  ${row['indexdef']}`),
      ...of(statistics).map((row) => `  ${row['definition']}`),
    ].join('\n');
  });
  return (
    [
      '-- Generated from the migrations by npm run generate, to be read as a difference. Not to be executed.',
      ...parts,
      ...sequences.map((row) => `sequence ${row['sequence_name']}`),
      ...functions.map((row) => row['definition']?.trim()),
    ].join('\n\n') + '\n'
  );
}
