import type { EngineParts } from '#runs/engine-parts.ts';
import { openInside, listFolder } from '#runs/run-outputs.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';
import path from 'node:path';

const RUNS_PER_PASS = 100;
/** A run's manifest names at most this many files. */
const MANIFEST_FILES_LIMIT = 100_000;
const ROWS_PER_INSERT = 1_000;
/** PostgreSQL's index takes no key of 2,700 bytes. A file whose path is longer stays, unlisted. */
const PATH_BYTES_LIMIT = 2_000;

interface ManifestRow {
  readonly path: string;
  readonly size: number;
  readonly digest: string;
}

/**
 * Writes down what each ended run left in its output folder: path, size and digest of every file. Nothing writes there any
 * more, so doing it again gives the same, and two servers doing it at once only do it twice.
 */
export function makeWriteManifests(parts: EngineParts): (signal: AbortSignal) => Promise<'again' | 'done'> {
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
        const files: ManifestRow[] = [];
        await walk(parts.folders.output(run.id as RunId), '', files, signal);
        // Cut off in the middle it would be written down as all there is.
        if (signal.aborted) return 'done';
        if (files.length === 0) empty.push(run.id);
        else await storeManifest(parts, run, files);
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

async function storeManifest(
  { db, clock }: EngineParts,
  run: { readonly id: string; readonly tenant_id: string },
  files: readonly ManifestRow[],
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx.deleteFrom('run_output_files').where('run_id', '=', run.id).execute();
    for (let at = 0; at < files.length; at += ROWS_PER_INSERT) {
      const rows = files.slice(at, at + ROWS_PER_INSERT).map((file) => ({ ...file, tenant_id: run.tenant_id, run_id: run.id }));
      await tx.insertInto('run_output_files').values(rows).execute();
    }
    await tx.updateTable('runs').set({ manifest_at: clock.now() }).where('id', '=', run.id).execute();
  });
}

async function walk(root: string, relative: string, files: ManifestRow[], signal: AbortSignal): Promise<void> {
  const level = await listFolder(root, relative);
  for (const entry of level?.entries ?? []) {
    if (files.length >= MANIFEST_FILES_LIMIT || signal.aborted) return;
    const name = path.posix.join(relative, entry.name);
    if (entry.kind === 'folder') await walk(root, name, files, signal);
    // PostgreSQL's text cannot hold a name that is not UTF-8 as given, nor NUL; such a file stays, unlisted.
    else if (entry.kind === 'file' && !name.includes('\uFFFD') && Buffer.byteLength(name) <= PATH_BYTES_LIMIT) await addFile(root, name, files);
  }
}

async function addFile(root: string, name: string, files: ManifestRow[]): Promise<void> {
  const opened = await openInside(root, name);
  if (opened === null) return;
  const hash = createHash('sha256');
  try {
    for await (const chunk of opened.file.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
    files.push({ path: name, size: opened.size, digest: `sha256:${hash.digest('hex')}` });
  } finally {
    await opened.file.close();
  }
}
