import type { Archives } from '#kit/archives/archives.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { FolderEntry, ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import { sendBundle } from '#kit/http/send-bundle.ts';
import { archiveFolder, archiveFolders } from '#runs/archive-folder.ts';
import { findOutputDigest } from '#runs/find-output-digest.ts';
import { findRun } from '#runs/find-run.ts';
import { previewInside, sendFileInside } from '#runs/file-inside.ts';
import { readManifestNotes } from '#runs/output-manifest.ts';
import { readOutputFiles } from '#runs/read-outputs.ts';
import type { RunFolders } from '#staging/run-folders.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { readOutputs } from '@sodate/contract/output-bundles.ts';
import * as routes from '@sodate/contract/run-routes.ts';
import type { z } from 'zod';

/** Names that one search looks at before it answers with what it has: about half a second. */
const SEARCHED_NAMES = 200_000;
/** Runs by which an archive of several is called. */
const NAMED_IN_ARCHIVE = 3;

export interface OutputRouteParts {
  readonly db: Database;
  readonly folders: RunFolders;
  readonly foreignFolders: ForeignFolders;
  readonly archives: Archives;
}

export function bindOutputRoutes(binder: Binder, { db, folders, foreignFolders, archives }: OutputRouteParts): void {
  const show = async (tenant: TenantId, run: RunId, entries: readonly FolderEntry[], folder: string): Promise<z.input<typeof routes.OutputEntry>[]> => {
    const placed = entries.map((entry) => ({ ...entry, path: folder === '' ? entry.name : `${folder}/${entry.name}` }));
    const notes = await readManifestNotes(db, tenant, run, placed);
    return placed.map(({ path, name, kind, size, modifiedAt }) => ({ name, kind, size, modifiedAt: modifiedAt?.toISOString() ?? null, ...notes(path) }));
  };

  binder.bind(routes.listOutputs, async ({ tenant, params, query }) => {
    const run = await findRun(db, tenant.id, params.run);
    const page = await foreignFolders.list(folders.output(run.id), query.path, { after: decodePlace(query.cursor), limit: query.limit });
    if (page === null) {
      // A run that has not started has no folder yet.
      if (query.path === '') return { items: [], nextCursor: null, total: { count: 0, exact: true } };
      throw new SodateError('not-found', { thing: 'folder', reference: query.path });
    }
    return { items: await show(tenant.id, run.id, page.entries, query.path), nextCursor: encodePlace(page.after), total: page.total };
  });

  binder.bind(routes.searchOutputs, async ({ tenant, params, query }) => {
    const run = await findRun(db, tenant.id, params.run);
    const after = decodePlace(query.cursor);
    if (after !== null && query.path !== '' && !after.startsWith(`${query.path}/`)) throw new SodateError('invalid-cursor');
    const named = query.text === undefined ? {} : { text: query.text };
    const found = await foreignFolders.walk(folders.output(run.id), query.path, { after, limit: query.limit, look: SEARCHED_NAMES, ...named });
    if (found === null) {
      if (query.path === '') return { items: [], nextCursor: null };
      throw new SodateError('not-found', { thing: 'folder', reference: query.path });
    }
    return { items: await show(tenant.id, run.id, found.entries, ''), nextCursor: encodePlace(found.after) };
  });

  binder.bind(routes.getOutput, async ({ tenant, params, query, request, reply }) => {
    const run = await findRun(db, tenant.id, params.run);
    await sendFileInside(request, reply, await openInside(folders.output(run.id), query.path), {
      name: query.path,
      thing: 'output file',
      findDigest: (size) => findOutputDigest(db, tenant.id, run.id, { path: query.path, size }),
    });
  });

  binder.bind(readOutputs, async ({ tenant, params, body, request, reply }) => {
    const run = await findRun(db, tenant.id, params.run);
    const isSent = await sendBundle(request, reply, readOutputFiles(folders.output(run.id), body.paths));
    if (!isSent) throw new SodateError('not-found', { thing: 'output file', reference: body.paths[0] ?? '' });
  });

  binder.bind(routes.previewOutput, async ({ tenant, params, query }) => {
    const run = await findRun(db, tenant.id, params.run);
    return previewInside(await openInside(folders.output(run.id), query.path), { name: query.path, thing: 'output file' });
  });

  binder.bind(routes.archiveOutputs, async ({ tenant, params, query, request, reply }) => {
    const run = await findRun(db, tenant.id, params.run);
    const name = `${run.kind}-${run.number}${query.path === '' ? '' : `-${query.path.split('/').at(-1)}`}`;
    await archives.send(tenant.id, request, reply, () => archiveFolder(foreignFolders, { root: folders.output(run.id), path: query.path, name }));
  });

  binder.bind(routes.archiveSomeOutputs, async ({ tenant, query, request, reply }) => {
    const chosen = new Map<string, { readonly root: string; readonly name: string }>();
    for (const reference of query.run) {
      const run = await findRun(db, tenant.id, reference);
      chosen.set(run.id, { root: folders.output(run.id), name: `${run.kind}-${run.number}` });
    }
    const named = [...chosen.values()].slice(0, NAMED_IN_ARCHIVE).map(({ name }) => name);
    const name = `${named.join('-')}${chosen.size > named.length ? '-and-more' : ''}`;
    await archives.send(tenant.id, request, reply, () => archiveFolders(foreignFolders, [...chosen.values()], name));
  });
}

/** A cursor is the name or path that it continues after. */
export const encodePlace = (place: string | null): string | null => (place === null ? null : Buffer.from(place).toString('base64url'));

/** @throws SodateError `invalid-cursor` */
export function decodePlace(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const place = Buffer.from(cursor, 'base64url').toString();
  const isPlace = place.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('\0'));
  if (!isPlace || encodePlace(place) !== cursor) throw new SodateError('invalid-cursor');
  return place;
}
