import type { Database } from '#kit/db/open-database.ts';
import { holdsReconcilerLease, type LeaseToken } from '#kit/reconcilers/reconciler-lease.ts';
import { appendItems } from '#metrics/append-items.ts';
import { appendPoints } from '#metrics/append-points.ts';
import type { FilePart } from '#metrics/metric-files/file-part.ts';
import type { MetricFile } from '#metrics/metric-files/find-metric-files.ts';
import { putParameters } from '#metrics/parameter-store.ts';
import { holdMetrics, type SeriesOrigin } from '#metrics/series-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/**
 * Stores what was read of a file together with how far that is, so that a death at any line neither loses nor doubles a
 * point: the next reader begins where the last stored part ended.
 * @returns false when another server reads the file now, or has read on in it: nothing was stored
 */
export async function storePart(
  db: Database,
  ask: { readonly tenant: TenantId; readonly run: RunId; readonly file: MetricFile; readonly readFrom: number; readonly part: FilePart; readonly lease: Lease },
): Promise<boolean> {
  const { tenant, run, file, part } = ask;
  return db.transaction().execute(async (tx) => {
    if (!(await holdsReconcilerLease(tx, ask.lease.name, ask.lease.token))) return false;
    await holdMetrics(tx, tenant, run);
    const stored = await tx
      .selectFrom('metric_files')
      .select('read_offset')
      .where('tenant_id', '=', tenant)
      .where('run_id', '=', run)
      .where('path', '=', file.path)
      .executeTakeFirst();
    if ((stored?.read_offset ?? 0) !== ask.readFrom) return false;
    const origin = originOf(file);
    await appendPoints(tx, { tenant, run, origin, points: part.points, beyondLimits: 'count' });
    await appendItems(tx, { tenant, run, origin, items: part.items });
    const { dropped } = await putParameters(tx, tenant, run, part.parameters, 'count');
    await sql`
      insert into metric_files (tenant_id, run_id, path, kind, read_offset, given_up)
      values (${tenant}, ${run}, ${file.path}, ${file.kind}, ${part.offset}, ${part.givenUp})
      on conflict (run_id, path) do update set read_offset = excluded.read_offset, given_up = excluded.given_up`.execute(tx);
    if (part.malformed + part.damaged + dropped > 0)
      await sql`
        update metric_runs set malformed_lines = malformed_lines + ${part.malformed}, damaged_records = damaged_records + ${part.damaged},
          dropped_points = dropped_points + ${dropped}
        where tenant_id = ${tenant} and run_id = ${run}`.execute(tx);
    return true;
  });
}

export interface Lease {
  readonly name: string;
  readonly token: LeaseToken;
}

/** Event files of one folder are one writer's, begun anew after a restart: they share their series. */
function originOf({ path, kind }: MetricFile): SeriesOrigin {
  const slash = path.lastIndexOf('/');
  return kind === 'jsonl' ? 'jsonl' : `events/${slash < 0 ? '' : path.slice(0, slash)}`;
}
