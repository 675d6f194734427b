import type { FolderEntry } from '#kit/foreign-folders/foreign-folders.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { sendDownload } from '#kit/http/send-download.ts';
import { trimEnd } from '#kit/trim-end.ts';
import { enter, type MlflowBinder } from '#mlflow/mlflow-binder.ts';
import { checkWriter, findAskedRun, findWritableRun, type MlflowParts } from '#mlflow/mlflow-parts.ts';
import { artifactRootOf } from '#mlflow/search-conditions.ts';
import { removeOutput, writeOutput } from '#runs/change-outputs.ts';
import { isEnded } from '#runs/run-states.ts';
import { findTrackableRun, type TrackableRun } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { ARTIFACT_PATH, ARTIFACT_PERMISSIONS, listArtifacts, listProxiedArtifacts, searchLoggedModels } from '@sodate/contract/mlflow-routes.ts';
import type { FileInfo } from '@sodate/contract/mlflow.ts';
import { FileName } from '@sodate/contract/names.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { z } from 'zod';

const DOWNLOAD_BUFFER_BYTES = 1024 * 1024;
/** MLflow knows no pages of artifacts. */
const LISTED_ENTRIES_LIMIT = 10_000;

/** @throws SodateError `not-found` for a path that no artifact can have, such as one with `..` in it */
function checkedPath(path: string): string {
  if (path === '' || FileName.safeParse(path).success) return path;
  throw new SodateError('not-found', { thing: 'artifact', reference: path.slice(0, 200) });
}

/** One level of a run's output folder, by name. What is no folder has nothing in it. */
async function listEntries({ folders, foreignFolders }: MlflowParts, run: TrackableRun, path: string): Promise<readonly FolderEntry[]> {
  const listed = await foreignFolders.list(folders.output(run.id), path, { after: null, limit: LISTED_ENTRIES_LIMIT });
  if (listed !== null && listed.after !== null)
    throw new SodateError('too-many', { limit: LISTED_ENTRIES_LIMIT, things: 'files in a folder that MLflow lists; put them into folders of their own' });
  return (listed?.entries ?? []).filter(({ kind }) => kind !== 'other');
}

const showEntry = (path: string, entry: { readonly kind: string; readonly size: number | null }): z.input<typeof FileInfo> => ({
  path,
  is_dir: entry.kind === 'folder',
  ...(entry.kind === 'folder' ? {} : { file_size: entry.size ?? 0 }),
});

export function bindArtifactLists(binder: MlflowBinder, parts: MlflowParts): void {
  const { db } = parts;

  binder.bind(listArtifacts, async ({ tenant, ask }) => {
    const run = await findAskedRun(db, tenant.id, ask);
    const path = checkedPath(trimEnd(ask.path ?? '', '/'));
    const entries = await listEntries(parts, run, path);
    return { root_uri: artifactRootOf(run.id), files: entries.map((entry) => showEntry(path === '' ? entry.name : `${path}/${entry.name}`, entry)) };
  });

  binder.bind(searchLoggedModels, async () => ({ models: [] }));

  binder.bind(listProxiedArtifacts, async ({ tenant, ask }) => {
    const { run, path } = await findArtifact(parts, tenant.id, ask.path ?? '');
    const entries = await listEntries(parts, run, path);
    // Relative to what was listed, unlike the other list.
    return { files: entries.map((entry) => showEntry(entry.name, entry)) };
  });
}

/** `<run id>/<path in its output folder>`. @throws SodateError `not-found` */
async function findArtifact({ db }: MlflowParts, tenant: TenantId, address: string): Promise<{ readonly run: TrackableRun; readonly path: string }> {
  const [id = '', ...rest] = address.replace(/^\/+/, '').replace(/\/+$/, '').split('/');
  return { run: await findTrackableRun(db, tenant, id), path: checkedPath(rest.join('/')) };
}

/** Artifacts as bytes. The scope must hand over bodies unparsed, whatever their type. */
export function bindArtifacts(scope: FastifyInstance, parts: MlflowParts): void {
  const { access } = parts;
  const bind = (method: keyof typeof ARTIFACT_PERMISSIONS, handler: (call: ArtifactCall) => Promise<unknown>): void => {
    scope.route({
      method,
      url: ARTIFACT_PATH,
      config: { jobDoor: 'attempts' },
      // HEAD would open the file only to say how long it is.
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const { caller, tenant } = await enter(access, request, ARTIFACT_PERMISSIONS[method]);
        const found = await findArtifact(parts, tenant.id, (request.params as Record<string, string>)['*'] ?? '');
        return handler({ ...found, caller, tenant: tenant.id, request, reply });
      },
    });
  };

  bind('GET', async ({ run, path, request, reply }) => {
    const opened = path === '' ? null : await openInside(parts.folders.output(run.id), path);
    if (opened === null) throw new SodateError('not-found', { thing: 'artifact', reference: path });
    const { file, size } = opened;
    await sendDownload(request, reply, {
      name: path,
      size,
      // No more than it had when it was opened: a job may be writing to it.
      open: async (range) => {
        if (size > 0) return file.createReadStream({ start: range?.start ?? 0, end: range?.end ?? size - 1, highWaterMark: DOWNLOAD_BUFFER_BYTES });
        await file.close();
        return Readable.from([]);
      },
      discard: () => file.close(),
    });
    return reply;
  });

  bind('PUT', async ({ run, path, caller, tenant, request, reply }) => {
    await checkWritable(parts, tenant, caller, run);
    if (path === '') throw new SodateError('invalid-request', { details: 'name the file that is to be written' });
    const place = { run: parts.folders.run(run.id), output: parts.folders.output(run.id) };
    await writeOutput(place, path, request.body instanceof Readable ? request.body : Readable.from([]));
    await renewManifest(parts, tenant, run);
    return reply.send({});
  });

  bind('DELETE', async ({ run, path, caller, tenant, reply }) => {
    await checkWritable(parts, tenant, caller, run);
    const place = { run: parts.folders.run(run.id), output: parts.folders.output(run.id) };
    await removeOutput(place, path, { reference: run.id, live: run.attemptId !== null && !isEnded(run.state) });
    await renewManifest(parts, tenant, run);
    return reply.send({});
  });
}

interface ArtifactCall {
  readonly run: TrackableRun;
  readonly path: string;
  readonly caller: Awaited<ReturnType<typeof enter>>['caller'];
  readonly tenant: TenantId;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/**
 * What a job has left is sealed with its end; a run that goes on outside of the platform may be added to for as long as
 * it is there, as MLflow's users do.
 */
async function checkWritable({ db }: MlflowParts, tenant: TenantId, caller: ArtifactCall['caller'], run: TrackableRun): Promise<void> {
  checkWriter(caller, run);
  await findWritableRun(db, tenant, caller, { run_id: run.id, run_uuid: '' });
  if (run.kind !== 'tracked' && isEnded(run.state))
    throw new SodateError('wrong-state', {
      thing: 'Run',
      reference: run.id,
      state: run.state,
      needed: 'a run that has not ended: the output of a job is sealed',
    });
}

/** The digests of its files are written down again where that had been done. */
async function renewManifest({ db }: MlflowParts, tenant: TenantId, run: TrackableRun): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const renewed = await tx
      .updateTable('runs')
      .set({ manifest_at: null })
      .where('tenant_id', '=', tenant)
      .where('id', '=', run.id)
      .where('manifest_at', 'is not', null)
      .executeTakeFirst();
    if (renewed.numUpdatedRows > 0n) await tx.deleteFrom('run_output_files').where('tenant_id', '=', tenant).where('run_id', '=', run.id).execute();
  });
}
