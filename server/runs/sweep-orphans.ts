import { type Executor, isEngineUnreachable } from '#executors/executor.ts';
import type { EngineParts } from '#runs/engine-parts.ts';

export interface OrphanSweep {
  pass(): Promise<'again' | 'done'>;
}

/**
 * Finds attempts that an engine knows and no row wants: left by a crash between an engine's start and our record, or by a
 * database that was restored. One that is seen for longer than the grace time is removed and reported. The grace is for
 * attempts whose row is just being written; it is counted here, so a restart only lengthens it.
 */
export function makeSweepOrphans(parts: EngineParts): OrphanSweep {
  const firstSeen = new Map<string, number>();
  return {
    async pass() {
      const seenNow = new Set<string>();
      for (const executor of parts.executors.all) {
        try {
          await sweep(parts, executor, firstSeen, seenNow);
        } catch (error) {
          if (!isEngineUnreachable(error)) throw error;
        }
      }
      for (const attempt of firstSeen.keys()) if (!seenNow.has(attempt)) firstSeen.delete(attempt);
      return 'done';
    },
  };
}

async function sweep(parts: EngineParts, executor: Executor, firstSeen: Map<string, number>, seenNow: Set<string>): Promise<void> {
  const listed = await executor.list();
  if (listed.length === 0) return;
  const wanted = await parts.db
    .selectFrom('attempts')
    .select('id')
    .where(
      'id',
      'in',
      listed.map(({ attempt }) => attempt),
    )
    .where('released_at', 'is', null)
    .execute();
  const known = new Set(wanted.map(({ id }) => id));
  const now = parts.clock.now().getTime();
  for (const { attempt, handle } of listed) {
    if (known.has(attempt)) continue;
    seenNow.add(attempt);
    const since = firstSeen.get(attempt) ?? now;
    firstSeen.set(attempt, since);
    if (now - since < parts.limits.orphanGraceMs) continue;
    parts.log.warn({ attempt, executor: executor.id }, 'removing an attempt that no run knows');
    try {
      await executor.remove(handle);
    } catch (error) {
      if (isEngineUnreachable(error)) throw error;
      // One that cannot be removed must not keep the others.
      parts.log.error({ err: error, attempt, executor: executor.id }, 'an attempt that no run knows could not be removed; it is tried again');
    }
  }
}
