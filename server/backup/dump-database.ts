import type { BackedUpTable, BackupManifest } from '#backup/backup-manifest.ts';
import type { BackupWriter } from '#backup/backup-writer.ts';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';

/**
 * Rows that mean nothing elsewhere: what is being uploaded (its bytes are not copied), who is working on what now,
 * and who is looking at what.
 * Migrations are run anew.
 */
const LEFT_OUT: readonly string[] = ['schema_migrations', 'uploads', 'upload_parts', 'reconciler_leases', 'content_openings'];

/** Tables in the order in which they can be filled: what others refer to comes first. */
export async function listTables(client: pg.ClientBase): Promise<readonly { readonly name: string; readonly columns: readonly string[] }[]> {
  const { rows: columns } = await client.query<{ name: string; columns: string[] }>(`
    select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
      and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    group by c.relname order by c.relname`);
  const { rows: references } = await client.query<{ from: string; to: string }>(`
    select distinct c.conrelid::regclass::text as "from", c.confrelid::regclass::text as "to"
    from pg_constraint c join pg_namespace n on n.oid = c.connamespace
    where n.nspname = 'public' and c.contype = 'f' and c.conrelid <> c.confrelid`);
  const left = new Map(columns.map((table) => [table.name, table]));
  const ordered: { readonly name: string; readonly columns: readonly string[] }[] = [];
  while (left.size > 0) {
    const free = [...left.values()].filter(({ name }) => !references.some(({ from, to }) => from === name && left.has(to)));
    if (free.length === 0) throw new Error(`Tables refer to each other in a circle: ${[...left.keys()].join(', ')}`);
    for (const table of free) left.delete(table.name);
    ordered.push(...free);
  }
  return ordered.filter(({ name }) => !LEFT_OUT.includes(name));
}

/** Copies all tables as the transaction of `client` sees them. */
export async function dumpTables(client: pg.ClientBase, writer: BackupWriter): Promise<readonly BackedUpTable[]> {
  const dumped: BackedUpTable[] = [];
  for (const { name, columns } of await listTables(client)) {
    const file = `database/${name}.copy`;
    const stream = client.query(copyTo(`copy (select ${columns.map(quoted).join(', ')} from ${quoted(name)}) to stdout`));
    await writer.add(file, stream as AsyncIterable<Uint8Array>);
    dumped.push({ name, columns: [...columns], file, rows: stream.rowCount });
  }
  return dumped;
}

/** Read after the snapshot was taken, so no number that a copied row has is given out again. */
export async function readSequences(client: pg.ClientBase): Promise<BackupManifest['sequences']> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'S' order by 1`,
  );
  const sequences: BackupManifest['sequences'] = [];
  for (const { name } of rows) {
    const { rows: state } = await client.query<{ value: string; called: boolean }>(
      `select last_value::text as value, is_called as called from ${quoted(name)}`,
    );
    if (state[0]) sequences.push({ name, ...state[0] });
  }
  return sequences;
}

/** Names come from our own migrations; quoted all the same. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
