import type { Database } from '#kit/db/open-database.ts';
import type { Blocker } from '#runs/place-runs.ts';

const keyOf = (blocker: Blocker): string => `${blocker.tenant} ${blocker.partition ?? ''} ${blocker.shape}`;

/**
 * Keeps `queue_blockers` equal to what the last whole scheduling pass found, writing only what changed. It starts by
 * not knowing what is stored, and so writes everything once.
 */
export function makeBlockerBook(): { write(db: Database, blockers: readonly Blocker[], now: Date): Promise<void> } {
  const state: { written: ReadonlyMap<string, string> | null } = { written: null };
  return {
    async write(db, blockers, now) {
      const wanted = new Map(blockers.map((blocker) => [keyOf(blocker), JSON.stringify({ reason: blocker.reason, limit: blocker.limit })]));
      const { written } = state;
      const same = written !== null && written.size === wanted.size && [...wanted].every(([key, because]) => written.get(key) === because);
      if (same) return;
      const changed = blockers.filter((blocker) => written?.get(keyOf(blocker)) !== wanted.get(keyOf(blocker)));
      await db.transaction().execute(async (tx) => {
        if (written === null) await tx.deleteFrom('queue_blockers').execute();
        for (const key of written?.keys() ?? []) {
          if (wanted.has(key)) continue;
          const [tenant = '', partition = '', ...shape] = key.split(' ');
          await tx.deleteFrom('queue_blockers').where('tenant_id', '=', tenant).where('partition', '=', partition).where('shape', '=', shape.join(' ')).execute();
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
      state.written = wanted;
    },
  };
}
