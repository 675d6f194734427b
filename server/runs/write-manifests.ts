import type { ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import { isMostlyHole } from '#kit/foreign-folders/is-mostly-hole.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';

const RUNS_PER_PASS = 100;
/** A run's manifest names at most this many files. */
const MANIFEST_FILES_LIMIT = 1_000_000;
/** Rows stored at once, and files walked to: what a manifest of any size takes of memory. */
const FILES_PER_STEP = 1_000;
const NAMES_PER_STEP = 20_000;
/** PostgreSQL's index takes no key of 2,700 bytes. A file whose path is longer stays, unlisted. */
const PATH_BYTES_LIMIT = 2_000;

interface ManifestRow {
  readonly path: string;
  readonly size: number;
  readonly digest: string;
}

export interface ManifestParts extends EngineParts {
  readonly foreignFolders: Pick<ForeignFolders, 'walk'>;
}

/**
 * Writes down what each ended run left in its output folder: path, size and digest of every file that is not a
 * hole. Nothing writes there any
 * more, so doing it again gives the same, and two servers doing it at once only do it twice. What is stored before the run
 * is marked counts for nothing: after a crash it is begun again, over the same rows.
 */
export function makeWriteManifests(parts: ManifestParts): (signal: AbortSignal) => Promise<'again' | 'done'> {
  return async (signal) => {
    const { db, clock, log } = parts;
    const runs = await db
      .selectFrom('runs')
      .select(['id', 'tenant_id'])
      .where('manifest_at', 'is', null)
      .where('state', 'in', ['succeeded', 'failed', 'cancelled'])
      .orderBy('ended_at')
      .limit(RUNS_PER_PASS)
      .execute();
    const empty: string[] = [];
    const failed: string[] = [];
    for (const run of runs) {
      try {
        const files = await storeFiles(parts, run, signal);
        // Cut off in the middle it would be marked as all there is.
        if (signal.aborted) return 'done';
        if (files === 0) empty.push(run.id);
        else await db.updateTable('runs').set({ manifest_at: clock.now() }).where('id', '=', run.id).execute();
      } catch (error) {
        // One run's folder must not keep the other runs from theirs. It is tried again with the next pass.
        log.error({ err: error, run: run.id }, 'the manifest of a run could not be written');
        failed.push(run.id);
      }
    }
    // Most runs leave no file, and then there is but this to write.
    if (empty.length > 0) await db.updateTable('runs').set({ manifest_at: clock.now() }).where('id', 'in', empty).execute();
    return runs.length === RUNS_PER_PASS && failed.length === 0 ? 'again' : 'done';
  };
}

/** @returns how many files there are */
async function storeFiles(
  { db, folders, foreignFolders }: ManifestParts,
  run: { readonly id: string; readonly tenant_id: string },
  signal: AbortSignal,
): Promise<number> {
  const root = folders.output(run.id as RunId);
  let after: string | null = null;
  let count = 0;
  do {
    const step: Awaited<ReturnType<ForeignFolders['walk']>> = await foreignFolders.walk(root, '', { after, limit: FILES_PER_STEP, look: NAMES_PER_STEP });
    if (step === null || signal.aborted) return count;
    const rows: ManifestRow[] = [];
    for (const { name, kind } of step.entries) {
      if (kind !== 'file' || Buffer.byteLength(name) > PATH_BYTES_LIMIT) continue;
      const row = await digestFile(root, name, signal);
      if (signal.aborted) return count;
      if (row !== null) rows.push(row);
    }
    if (rows.length > 0) {
      const values = rows.map((row) => ({ ...row, tenant_id: run.tenant_id, run_id: run.id }));
      await db
        .insertInto('run_output_files')
        .values(values)
        .onConflict((conflict) =>
          conflict.columns(['run_id', 'path']).doUpdateSet((row) => ({ size: row.ref('excluded.size'), digest: row.ref('excluded.digest') })),
        )
        .execute();
    }
    count += rows.length;
    after = step.after;
  } while (after !== null && count < MANIFEST_FILES_LIMIT);
  return count;
}

async function digestFile(root: string, name: string, signal: AbortSignal): Promise<ManifestRow | null> {
  const opened = await openInside(root, name);
  if (opened === null) return null;
  const hash = createHash('sha256');
  try {
    if (await isMostlyHole(opened.file)) return null;
    for await (const chunk of opened.file.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 })) {
      if (signal.aborted) return null;
      hash.update(chunk as Buffer);
    }
    return { path: name, size: opened.size, digest: `sha256:${hash.digest('hex')}` };
  } finally {
    await opened.file.close();
  }
}
