import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { hashSecret, newSecret } from '#kit/secrets.ts';
import type { UserId } from '@sodate/contract/ids.ts';

export const SESSION_PREFIX = 'ses_';
const DAY_MS = 24 * 3_600_000;
/** A session ends when it has not been used for this long. */
const SESSION_DAYS = 14;
/** Beyond it a user's oldest sessions end: scripts that sign in each time they run must not fill the table. */
export const SESSIONS_PER_USER_LIMIT = 100;

export interface StartedSession {
  readonly user: UserId;
  readonly secret: string;
  readonly expiresAt: Date;
}

/** The transaction must hold the user's row locked, so that two sign-ins of one user do not remove each other's rows crosswise. */
export async function startSession(tx: DatabaseTransaction, user: UserId, now: Date): Promise<StartedSession> {
  const secret = newSecret(SESSION_PREFIX);
  const expiresAt = new Date(now.getTime() + SESSION_DAYS * DAY_MS);
  await tx
    .insertInto('sessions')
    .values({ secret_hash: hashSecret(secret), user_id: user, created_at: now, expires_at: expiresAt })
    .execute();
  await tx
    .deleteFrom('sessions')
    .where('secret_hash', 'in', (from) =>
      from
        .selectFrom('sessions')
        .select('secret_hash')
        .where('user_id', '=', user)
        .orderBy('created_at', 'desc')
        .orderBy('secret_hash')
        .offset(SESSIONS_PER_USER_LIMIT),
    )
    .execute();
  return { user, secret, expiresAt };
}

export interface SessionUser {
  readonly hash: Buffer;
  readonly user: UserId;
  readonly name: string;
  readonly systemAdmin: boolean;
}

/**
 * Whose session this secret opens now; null for unknown and expired ones and for disabled users. Using it prolongs it,
 * written at most once a day.
 */
export async function findSession(db: Database, secret: string, now: Date): Promise<SessionUser | null> {
  const hash = hashSecret(secret);
  const row = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['sessions.expires_at', 'users.id', 'users.name', 'users.system_admin'])
    .where('sessions.secret_hash', '=', hash)
    .where('sessions.expires_at', '>', now)
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst();
  if (!row) return null;
  if (row.expires_at.getTime() < now.getTime() + (SESSION_DAYS - 1) * DAY_MS) {
    await db
      .updateTable('sessions')
      .set({ expires_at: new Date(now.getTime() + SESSION_DAYS * DAY_MS) })
      .where('secret_hash', '=', hash)
      .execute();
  }
  return { hash, user: row.id as UserId, name: row.name, systemAdmin: row.system_admin };
}

export async function endSession(db: Database, hash: Buffer): Promise<void> {
  await db.deleteFrom('sessions').where('secret_hash', '=', hash).execute();
}

/**
 * Ends a user's sessions, all or all but one. Call it after the user's row was changed in the same transaction: a sign-in
 * that was under way either sees the change and fails, or has committed and is found here.
 */
export async function endSessions(tx: DatabaseTransaction, user: UserId, except: Buffer | null): Promise<void> {
  let ended = tx.deleteFrom('sessions').where('user_id', '=', user);
  if (except) ended = ended.where('secret_hash', '!=', except);
  await ended.execute();
}

export async function sweepSessions(db: Database, now: Date): Promise<void> {
  await db.deleteFrom('sessions').where('expires_at', '<=', now).execute();
}
