import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { readEvents } from '#metrics/metric-files/read-events.ts';
import type { FilePart } from '#metrics/metric-files/file-part.ts';
import { findMetricFiles, type MetricFile } from '#metrics/metric-files/find-metric-files.ts';
import { readMetricLines } from '#metrics/metric-files/read-metric-lines.ts';
import { type Lease, storePart } from '#metrics/metric-files/store-part.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** What is remembered of a run's files between looks. It only saves time: the offsets that count are stored with the points. */
export interface KnownFiles {
  readonly files: Map<string, MetricFile & { offset: number; givenUp: boolean }>;
  listAgainAt: number;
}

export interface ReadRunParts {
  readonly db: Database;
  readonly clock: Clock;
}

/** Folders are listed at most this often, and take at most a fiftieth of the time. */
const LIST_EVERY_MS = 5_000;
const LIST_SHARE = 50;
/** Entries looked at while a run lives, and once at its end. */
const LIVE_ENTRIES_LIMIT = 20_000;
const ENDED_ENTRIES_LIMIT = 200_000;

export async function knownFiles(db: Database, tenant: TenantId, run: RunId): Promise<KnownFiles> {
  const rows = await db
    .selectFrom('metric_files')
    .select(['path', 'kind', 'read_offset', 'given_up'])
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .execute();
  return {
    files: new Map(rows.map((row) => [row.path, { path: row.path, kind: row.kind as 'events', offset: row.read_offset, givenUp: row.given_up !== null }])),
    listAgainAt: 0,
  };
}

/**
 * One look at the files of a run: reads one part of each that has grown.
 * @returns whether anything new was stored, and whether there is more to read at once
 */
export async function readRunFiles(
  { db, clock }: ReadRunParts,
  ask: { readonly tenant: TenantId; readonly run: RunId; readonly output: string; readonly ended: boolean; readonly lease: Lease },
  known: KnownFiles,
  signal: AbortSignal,
): Promise<{ readonly changed: boolean; readonly more: boolean }> {
  if (clock.now().getTime() >= known.listAgainAt) await listFiles({ db, clock }, ask, known, signal);
  const result = { changed: false, more: false };
  for (const file of [...known.files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    if (signal.aborted) return { ...result, more: true };
    if (file.givenUp) continue;
    const part = await readPart(file, ask, clock.now().getTime());
    if (part === null) continue;
    const stored = await storePart(db, { ...ask, file, readFrom: file.offset, part });
    if (!stored) {
      // Somebody else read on: what is remembered here is worth nothing.
      const fresh = await knownFiles(db, ask.tenant, ask.run);
      known.files.clear();
      for (const [path, one] of fresh.files) known.files.set(path, one);
      known.listAgainAt = 0;
      return { ...result, more: true };
    }
    Object.assign(file, { offset: part.offset, givenUp: part.givenUp !== null });
    result.changed = true;
    result.more ||= part.more;
  }
  return result;
}

/** @returns null when there is nothing new in it */
async function readPart(
  file: MetricFile & { readonly offset: number },
  ask: { readonly output: string; readonly ended: boolean },
  now: number,
): Promise<FilePart | null> {
  const opened = await openInside(ask.output, file.path);
  if (opened === null) return null;
  try {
    const { size } = opened;
    // Shorter than what was read of it: written anew, as by a program that was started again.
    const from = size < file.offset ? 0 : file.offset;
    if (size === from) return null;
    const read = { path: file.path, from, size, now, ended: ask.ended };
    const part = file.kind === 'events' ? await readEvents(opened.file, read) : await readMetricLines(opened.file, read);
    return part.offset === file.offset && part.givenUp === null ? null : part;
  } finally {
    await opened.file.close();
  }
}

async function listFiles(
  { db, clock }: ReadRunParts,
  ask: { readonly tenant: TenantId; readonly run: RunId; readonly output: string; readonly ended: boolean },
  known: KnownFiles,
  signal: AbortSignal,
): Promise<void> {
  const began = clock.now().getTime();
  const found = await findMetricFiles(ask.output, ask.ended ? ENDED_ENTRIES_LIMIT : LIVE_ENTRIES_LIMIT, signal);
  for (const file of found.files) if (!known.files.has(file.path)) known.files.set(file.path, { ...file, offset: 0, givenUp: false });
  const ended = clock.now().getTime();
  known.listAgainAt = ended + Math.max(LIST_EVERY_MS, (ended - began) * LIST_SHARE);
  const large = !found.complete && !signal.aborted;
  // Only of a run that has metrics, or should have them.
  if (known.files.size > 0 || found.skipped > 0)
    await sql`
      insert into metric_runs (tenant_id, run_id, skipped_files, folder_too_large) values (${ask.tenant}, ${ask.run}, ${found.skipped}, ${large})
      on conflict (run_id) do update set skipped_files = excluded.skipped_files, folder_too_large = excluded.folder_too_large
      where metric_runs.tenant_id = excluded.tenant_id
        and (metric_runs.skipped_files, metric_runs.folder_too_large) is distinct from (excluded.skipped_files, excluded.folder_too_large)`.execute(db);
}
