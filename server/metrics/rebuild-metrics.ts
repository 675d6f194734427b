import type { Database } from '#kit/db/open-database.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { holdMetrics } from '#metrics/series-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

const ENDED: readonly string[] = ['succeeded', 'failed', 'cancelled'];

/**
 * Forgets all series that were read from files of a run that has ended, and how far each file was read: then
 * `follow-metrics` reads them from their beginning, as if the run had just ended. What came by requests stays, and so do
 * parameters, which are set once.
 *
 * Nothing is forgotten that could not be read again: each file must be there in the length that was read of it. Of a file
 * that was written anew while the run lived only what stands in it now comes back.
 * @returns how many files are read again
 * @throws SodateError `wrong-state`, `not-found`
 */
export async function rebuildMetrics(
  db: Database,
  ask: { readonly tenant: TenantId; readonly run: RunId; readonly reference: string; readonly output: string },
): Promise<{ readonly files: number }> {
  const { tenant, run, reference } = ask;
  return db.transaction().execute(async (tx) => {
    await holdMetrics(tx, tenant, run);
    const found = await tx.selectFrom('runs').select(['state', 'metrics_read_at']).where('tenant_id', '=', tenant).where('id', '=', run).executeTakeFirst();
    if (found === undefined) throw new SodateError('not-found', { thing: 'run', reference });
    // Whoever reads a run's files remembers where it is until all are read, and would go on there.
    if (!ENDED.includes(found.state)) throw new SodateError('wrong-state', { thing: 'Run', reference, state: found.state, needed: 'one that has ended' });
    if (found.metrics_read_at === null)
      throw new SodateError('wrong-state', { thing: 'Run', reference, state: 'being read', needed: 'one whose files have been read. Try again in a moment' });
    const files = await tx.selectFrom('metric_files').select(['path', 'read_offset']).where('tenant_id', '=', tenant).where('run_id', '=', run).execute();
    for (const file of files)
      if (!(await isWhole(ask.output, file)))
        throw new SodateError('wrong-state', {
          thing: 'File',
          reference: file.path,
          state: 'gone, or shorter than what was read of it',
          needed: 'all of it, and nothing was changed',
        });
    await tx.deleteFrom('metric_series').where('tenant_id', '=', tenant).where('run_id', '=', run).where('origin', '<>', 'api').execute();
    await tx.deleteFrom('metric_files').where('tenant_id', '=', tenant).where('run_id', '=', run).execute();
    await sql`
      update metric_runs set dropped_points = 0, malformed_lines = 0, damaged_records = 0,
        series = (select count(*) from metric_series where tenant_id = ${tenant} and run_id = ${run}),
        points = (select coalesce(sum(points), 0) from metric_series where tenant_id = ${tenant} and run_id = ${run} and kind = 'scalar')
      where tenant_id = ${tenant} and run_id = ${run}`.execute(tx);
    await tx.updateTable('runs').set({ metrics_read_at: null }).where('tenant_id', '=', tenant).where('id', '=', run).execute();
    return { files: files.length };
  });
}

async function isWhole(output: string, file: { readonly path: string; readonly read_offset: number }): Promise<boolean> {
  const opened = await openInside(output, file.path);
  await opened?.file.close();
  return opened !== null && opened.size >= file.read_offset;
}
