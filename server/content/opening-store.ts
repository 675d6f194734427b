import type { Database } from '#kit/db/open-database.ts';
import { hashSecret } from '#kit/secrets.ts';
import type { DataId, RunId, TenantId, TokenId, UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** Beyond it a person's oldest openings end: each look at a page makes one. */
const OPENINGS_PER_USER_LIMIT = 200;

/** The thing that an opening shows. `upstream` is a program in a run that answers by itself. */
export type Opened = { readonly kind: 'output' | 'attachments' | 'upstream'; readonly run: RunId } | { readonly kind: 'data'; readonly data: DataId };

export interface NewOpening {
  readonly id: string;
  readonly tenant: TenantId;
  readonly label: string;
  readonly user: UserId;
  /** What it was opened by, and with which it ends. */
  readonly session: Buffer | null;
  readonly token: TokenId | null;
  readonly opened: Opened;
  readonly platformOrigin: string;
  readonly contentOrigin: string;
  readonly ticket: string;
  readonly ticketExpiresAt: Date;
  readonly expiresAt: Date;
}

/** One thing, under one label, for one person. */
export interface LiveOpening {
  readonly id: string;
  readonly tenant: TenantId;
  readonly opened: Opened;
  readonly platformOrigin: string;
  readonly contentOrigin: string;
  readonly keyHash: Buffer | null;
  readonly expiresAt: Date;
}

export async function insertOpening(db: Database, opening: NewOpening, now: Date): Promise<void> {
  const { opened } = opening;
  await db
    .insertInto('content_openings')
    .values({
      tenant_id: opening.tenant,
      id: opening.id,
      label: opening.label,
      user_id: opening.user,
      session_hash: opening.session,
      token_id: opening.token,
      kind: opened.kind,
      run_id: opened.kind === 'data' ? null : opened.run,
      data_id: opened.kind === 'data' ? opened.data : null,
      platform_origin: opening.platformOrigin,
      content_origin: opening.contentOrigin,
      ticket_hash: hashSecret(opening.ticket),
      ticket_expires_at: opening.ticketExpiresAt,
      created_at: now,
      expires_at: opening.expiresAt,
    })
    .execute();
  await db
    .deleteFrom('content_openings')
    .where('id', 'in', (from) =>
      from
        .selectFrom('content_openings')
        .select('id')
        .where('user_id', '=', opening.user)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .offset(OPENINGS_PER_USER_LIMIT),
    )
    .execute();
}

/**
 * The opening under a label, if it is one now: its time has not passed, and whoever opened it is still here, a member, and
 * signed in as they were. Asked with every request, and nothing of the answer is kept, so that whatever ends it ends it at once.
 */
export async function findOpening(db: Database, label: string, now: Date): Promise<LiveOpening | null> {
  const row = await db
    .selectFrom('content_openings as o')
    .innerJoin('users as u', 'u.id', 'o.user_id')
    .leftJoin('memberships as m', (join) => join.onRef('m.tenant_id', '=', 'o.tenant_id').onRef('m.user_id', '=', 'o.user_id'))
    .leftJoin('sessions as s', 's.secret_hash', 'o.session_hash')
    .leftJoin('tokens as t', (join) => join.onRef('t.tenant_id', '=', 'o.tenant_id').onRef('t.id', '=', 'o.token_id'))
    .select(['o.id', 'o.tenant_id', 'o.kind', 'o.run_id', 'o.data_id', 'o.platform_origin', 'o.content_origin', 'o.key_hash', 'o.expires_at'])
    .where('o.label', '=', label)
    .where('o.expires_at', '>', now)
    .where('u.disabled_at', 'is', null)
    .where((where) => where.or([where('u.system_admin', '=', true), where('m.role', 'is not', null)]))
    .where((where) => where.or([where('o.session_hash', 'is', null), where('s.expires_at', '>', now)]))
    .where((where) => where.or([where('o.token_id', 'is', null), where('t.expires_at', 'is', null), where('t.expires_at', '>', now)]))
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    id: row.id,
    tenant: row.tenant_id as TenantId,
    opened:
      row.kind === 'data'
        ? { kind: 'data', data: row.data_id as DataId }
        : { kind: row.kind as 'output' | 'attachments' | 'upstream', run: row.run_id as RunId },
    platformOrigin: row.platform_origin,
    contentOrigin: row.content_origin,
    keyHash: row.key_hash,
    expiresAt: row.expires_at,
  };
}

/** Exchanges the ticket for a key: one statement, so of any number of tries, on any number of servers, one succeeds. */
export async function redeemTicket(
  db: Database,
  ask: { readonly label: string; readonly ticket: string; readonly key: string; readonly now: Date },
): Promise<boolean> {
  const redeemed = await db
    .updateTable('content_openings')
    .set({ ticket_hash: null, key_hash: hashSecret(ask.key) })
    .where('label', '=', ask.label)
    .where('ticket_hash', '=', hashSecret(ask.ticket))
    .where('ticket_expires_at', '>', ask.now)
    .returning('id')
    .executeTakeFirst();
  return redeemed !== undefined;
}

/** Removes what has ended, and what nobody came for. Neither opens anything anyway. */
export async function sweepOpenings(db: Database, now: Date): Promise<void> {
  await sql`delete from content_openings where expires_at <= ${now} or (key_hash is null and ticket_expires_at <= ${now})`.execute(db);
}
