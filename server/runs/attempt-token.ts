import type { Database } from '#kit/db/open-database.ts';
import type { AttemptId, RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { createHmac, timingSafeEqual } from 'node:crypto';

export const ATTEMPT_TOKEN_PREFIX = 'att_';

const macOf = (key: Buffer, attempt: string): Buffer => createHmac('sha256', key).update(`attempt-token ${attempt}`).digest();

/** The token of an attempt: its id under the server's key. Nothing is stored. */
export const makeAttemptToken = (key: Buffer, attempt: string): string => `${ATTEMPT_TOKEN_PREFIX}${attempt}_${macOf(key, attempt).toString('base64url')}`;

/** Whose token this is, or null when it was not made here or its attempt no longer lives. */
export async function verifyAttemptToken(
  db: Database,
  key: Buffer,
  token: string,
): Promise<{ attempt: AttemptId; run: RunId; tenant: TenantId; user: UserId; userName: string } | null> {
  const match = /^att_([0-9a-f-]{36})_([A-Za-z0-9_-]{43})$/.exec(token);
  const [, attempt, mac] = match ?? [];
  // Compared as text: several texts of 43 characters stand for the same 32 bytes.
  if (attempt === undefined || mac === undefined || !timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(key, attempt).toString('base64url')))) return null;
  const row = await db
    .selectFrom('attempts')
    .innerJoin('runs', 'runs.id', 'attempts.run_id')
    .innerJoin('users', 'users.id', 'runs.created_by')
    .select(['attempts.tenant_id', 'attempts.run_id', 'users.id as user_id', 'users.name as user_name'])
    .where('attempts.id', '=', attempt)
    .where('attempts.released_at', 'is', null)
    .where('attempts.ended_at', 'is', null)
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return null;
  return { attempt: attempt as AttemptId, run: row.run_id as RunId, tenant: row.tenant_id as TenantId, user: row.user_id as UserId, userName: row.user_name };
}
