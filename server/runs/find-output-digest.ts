import type { Database } from '#kit/db/open-database.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';

/**
 * The digest of an output file, once the run's manifest has it: nothing writes there any more, so a reader may go on where
 * it was cut off. Null before that, and for files that the manifest does not name.
 */
export async function findOutputDigest(
  db: Database,
  tenant: TenantId,
  run: RunId,
  file: { readonly path: string; readonly size: number },
): Promise<string | null> {
  const row = await db
    .selectFrom('run_output_files')
    .select('digest')
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .where('path', '=', file.path)
    .where('size', '=', file.size)
    .executeTakeFirst();
  return row?.digest ?? null;
}
