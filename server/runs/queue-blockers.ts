import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import type { LeaseToken } from '#kit/reconcilers/reconciler-lease.ts';
import type { Blocker } from '#runs/place-runs.ts';

/** Does its work in a transaction that holds the lease, or not at all when that is lost. */
export type UnderLease = (work: (tx: DatabaseTransaction) => Promise<void>) => Promise<boolean>;

const keyOf = (blocker: Blocker): string => `${blocker.tenant} ${blocker.partition ?? ''} ${blocker.shape}`;

/**
 * Keeps `queue_blockers` equal to what the last whole round of scheduling found, writing only what changed. What is stored
 * it knows only as long as it was the last to write, under one lease, and saw that it was written; else it writes all.
 */
export interface BlockerBook {
  write(blockers: readonly Blocker[], lease: LeaseToken, now: Date, underLease: UnderLease): Promise<void>;
}

export function makeBlockerBook(): BlockerBook {
  const state: { written: ReadonlyMap<string, string> | null; lease: LeaseToken } = { written: null, lease: 0 };
  return {
    async write(blockers, lease, now, underLease) {
      const wanted = new Map(blockers.map((blocker) => [keyOf(blocker), JSON.stringify({ reason: blocker.reason, limit: blocker.limit })]));
      const written = state.lease === lease ? state.written : null;
      const same = written !== null && written.size === wanted.size && [...wanted].every(([key, because]) => written.get(key) === because);
      if (same) return;
      // Until the transaction is known to be committed, nothing is known of what is stored.
      state.written = null;
      const changed = blockers.filter((blocker) => written?.get(keyOf(blocker)) !== wanted.get(keyOf(blocker)));
      const done = await underLease(async (tx) => {
        if (written === null) await tx.deleteFrom('queue_blockers').execute();
        for (const key of written?.keys() ?? []) {
          if (wanted.has(key)) continue;
          const [tenant = '', partition = '', ...shape] = key.split(' ');
          await tx
            .deleteFrom('queue_blockers')
            .where('tenant_id', '=', tenant)
            .where('partition', '=', partition)
            .where('shape', '=', shape.join(' '))
            .execute();
        }
        for (const blocker of changed) {
          const because = wanted.get(keyOf(blocker)) ?? '{}';
          await tx
            .insertInto('queue_blockers')
            .values({ tenant_id: blocker.tenant, partition: blocker.partition ?? '', shape: blocker.shape, because, since: now })
            .onConflict((conflict) => conflict.columns(['tenant_id', 'partition', 'shape']).doUpdateSet({ because, since: now }))
            .execute();
        }
      });
      if (done) Object.assign(state, { written: wanted, lease });
    },
  };
}
