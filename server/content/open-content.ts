import { type ContentAddresses, newLabel } from '#content/content-address.ts';
import { newTicket, withTicket } from '#content/content-keys.ts';
import { writePath } from '#content/content-path.ts';
import type { ContentSource } from '#content/content-source.ts';
import { insertOpening, type Opened } from '#content/opening-store.ts';
import { findDataRow } from '#data/data-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Caller } from '#kit/http/access.ts';
import { newId } from '#kit/ids.ts';
import { findRun } from '#runs/find-run.ts';
import type { openContent as openContentRoute, Opening } from '@sodate/contract/content.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { z } from 'zod';

/** Time to follow the address, also for somebody who copies it from a terminal. */
const TICKET_MINUTES = 3;
/** A working day: a report is left open beside the work. */
const OPEN_HOURS = 12;
const MINUTE_MS = 60_000;

export interface OpenContentParts {
  readonly db: Database;
  readonly addresses: ContentAddresses;
  sourceOf(opening: { readonly tenant: TenantId; readonly opened: Opened }): ContentSource | null;
}

/**
 * Opens a thing of the tenant for one person, at a fresh label.
 * @param ask.host by which the caller reaches the platform
 * @throws SodateError `not-found` for things and paths that are not there, `content-host-needed`
 */
export async function openContent(
  parts: OpenContentParts,
  ask: { readonly tenant: TenantId; readonly caller: Caller; readonly host: string; readonly target: z.output<(typeof openContentRoute)['body']> },
  now: Date,
): Promise<Opening> {
  const { db, addresses } = parts;
  const { tenant, caller, target } = ask;
  const label = newLabel();
  const origins = addresses.originsFor(ask.host, label);
  const opened: Opened =
    target.kind === 'data'
      ? { kind: 'data', data: (await findDataRow(db, tenant, target.data)).id }
      : { kind: target.kind, run: (await findRun(db, tenant, target.run)).id };
  const isFolder = await isFolderIn(parts.sourceOf({ tenant, opened }), target.path);
  const ticket = newTicket();
  const ticketExpiresAt = new Date(now.getTime() + TICKET_MINUTES * MINUTE_MS);
  const expiresAt = new Date(now.getTime() + OPEN_HOURS * 60 * MINUTE_MS);
  await insertOpening(
    db,
    {
      id: newId(),
      tenant,
      label,
      user: caller.user,
      session: caller.session,
      token: caller.token,
      opened,
      platformOrigin: origins.platform,
      contentOrigin: origins.content,
      ticket,
      ticketExpiresAt,
      expiresAt,
    },
    now,
  );
  const path = target.path === '' ? '/' : writePath(target.path) + (isFolder ? '/' : '');
  return { url: withTicket(origins.content + path, ticket), ticketExpiresAt: ticketExpiresAt.toISOString(), expiresAt: expiresAt.toISOString() };
}

/** @throws SodateError `not-found` */
async function isFolderIn(source: ContentSource | null, path: string): Promise<boolean> {
  if (path === '') return true;
  const file = path.includes('\0') ? null : await source?.file(path);
  await file?.close();
  if (file) return false;
  if ((await source?.folder(path, null)) ?? null) return true;
  throw new SodateError('not-found', { thing: 'file', reference: path });
}
