import type { Database } from '#kit/db/open-database.ts';
import type { FolderEntry } from '#kit/foreign-folders/foreign-folders.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** Files counted below a folder: a page of a thousand folders costs a tenth of a second then, whatever they hold. */
const COUNTED_FILES = 1_000;

export interface ManifestNotes {
  readonly digest: string | null;
  readonly below: { readonly files: number; readonly size: number; readonly exact: boolean } | null;
}

/** What the manifest of an ended run knows of these entries, by their paths; nothing until it is written. */
export async function readManifestNotes(
  db: Database,
  tenant: TenantId,
  run: RunId,
  entries: readonly { readonly path: string; readonly kind: FolderEntry['kind'] }[],
): Promise<(path: string) => ManifestNotes> {
  const written = await db
    .selectFrom('runs')
    .select('id')
    .where('tenant_id', '=', tenant)
    .where('id', '=', run)
    .where('manifest_at', 'is not', null)
    .executeTakeFirst();
  if (written === undefined || entries.length === 0) return () => ({ digest: null, below: null });
  const pathsOf = (kind: FolderEntry['kind']): string[] => entries.filter((entry) => entry.kind === kind && !entry.path.includes('\0')).map(({ path }) => path);
  const [files, folders] = await Promise.all([readDigests(db, tenant, run, pathsOf('file')), readFolders(db, tenant, run, pathsOf('folder'))]);
  return (path) => ({ digest: files.get(path) ?? null, below: folders.get(path) ?? null });
}

async function readDigests(db: Database, tenant: TenantId, run: RunId, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('run_output_files')
    .select(['path', 'digest'])
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .where(sql<boolean>`path = any(${[...paths]}::text[])`)
    .execute();
  return new Map(rows.map(({ path, digest }) => [path, digest]));
}

/** `0` comes right after `/`: what is between the two, by bytes, is below the folder. */
async function readFolders(
  db: Database,
  tenant: TenantId,
  run: RunId,
  paths: readonly string[],
): Promise<ReadonlyMap<string, NonNullable<ManifestNotes['below']>>> {
  const { rows } = await sql<{ path: string; files: number; size: number }>`
    select folder.path, count(file.size)::int as files, coalesce(sum(file.size), 0)::float8 as size
    from unnest(${[...paths]}::text[]) as folder(path)
    left join lateral (
      select size from run_output_files
      where run_id = ${run} and tenant_id = ${tenant} and path > folder.path || '/' and path < folder.path || '0'
      limit ${COUNTED_FILES + 1}
    ) as file on true
    group by folder.path`.execute(db);
  return new Map(rows.map(({ path, files, size }) => [path, { files: Math.min(files, COUNTED_FILES), size, exact: files <= COUNTED_FILES }]));
}
