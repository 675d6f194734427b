import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { hashSecret, isSecret, newSecret } from '#kit/secrets.ts';
import type { UserId } from '@sodate/contract/ids.ts';

const LINK_PREFIX = 'lnk_';
const LINK_HOURS = 24;

export interface NewLink {
  readonly secret: string;
  readonly expiresAt: Date;
}

/** Replaces the user's earlier links: one works at a time. The transaction must hold the user's row locked. */
export async function replaceLink(tx: DatabaseTransaction, user: UserId, now: Date): Promise<NewLink> {
  const secret = newSecret(LINK_PREFIX);
  const expiresAt = new Date(now.getTime() + LINK_HOURS * 3_600_000);
  await endLinks(tx, user);
  await tx
    .insertInto('sign_in_links')
    .values({ secret_hash: hashSecret(secret), user_id: user, created_at: now, expires_at: expiresAt })
    .execute();
  return { secret, expiresAt };
}

export async function endLinks(tx: DatabaseTransaction, user: UserId): Promise<void> {
  await tx.deleteFrom('sign_in_links').where('user_id', '=', user).execute();
}

/** Whose link this is, as long as it can be used. */
export async function findLinkUser(db: Database, secret: string, now: Date): Promise<UserId | null> {
  if (!isSecret(LINK_PREFIX, secret)) return null;
  const row = await db
    .selectFrom('sign_in_links')
    .select('user_id')
    .where('secret_hash', '=', hashSecret(secret))
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return (row?.user_id ?? null) as UserId | null;
}

/** Uses the link up; false when somebody else was faster. */
export async function takeLink(tx: DatabaseTransaction, secret: string, now: Date): Promise<boolean> {
  const row = await tx
    .deleteFrom('sign_in_links')
    .where('secret_hash', '=', hashSecret(secret))
    .where('expires_at', '>', now)
    .returning('user_id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function sweepLinks(db: Database, now: Date): Promise<void> {
  await db.deleteFrom('sign_in_links').where('expires_at', '<=', now).execute();
}
