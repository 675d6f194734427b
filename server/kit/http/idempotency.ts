import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';

/** How long a key is remembered. */
export const IDEMPOTENCY_KEY_HOURS = 24;

/**
 * Binds an Idempotency-Key to the id of what the request will create, before it creates anything. If the process dies
 * after this line nothing exists yet; if it dies after the creation, the next try finds the thing under this id. Either
 * way one thing results.
 * @throws SodateError `idempotency-mismatch` when the key was used for another request
 */
export async function reserveThingId(
  db: Database,
  ask: { readonly user: UserId; readonly key: string; readonly request: string; readonly id: string; readonly now: Date },
): Promise<{ readonly id: string; readonly first: boolean }> {
  const hash = createHash('sha256').update(ask.request).digest();
  const inserted = await db
    .insertInto('idempotency_keys')
    .values({ user_id: ask.user, key: ask.key, request_hash: hash, thing_id: ask.id, created_at: ask.now })
    .onConflict((conflict) => conflict.columns(['user_id', 'key']).doNothing())
    .returning('thing_id')
    .executeTakeFirst();
  if (inserted) return { id: ask.id, first: true };
  const before = await db
    .selectFrom('idempotency_keys')
    .select(['thing_id', 'request_hash'])
    .where('user_id', '=', ask.user)
    .where('key', '=', ask.key)
    .executeTakeFirstOrThrow();
  if (!before.request_hash.equals(hash)) throw new SodateError('idempotency-mismatch');
  return { id: before.thing_id, first: false };
}

/** Forgets old keys. */
export async function sweepIdempotencyKeys(db: Database, now: Date): Promise<void> {
  const horizon = new Date(now.getTime() - IDEMPOTENCY_KEY_HOURS * 3_600_000);
  await db.deleteFrom('idempotency_keys').where('created_at', '<', horizon).execute();
}
