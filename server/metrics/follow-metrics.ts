import type { Clock } from '#kit/clock.ts';
import { isDatabaseUnavailable } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import type { Log } from '#kit/log.ts';
import { takeReconcilerLease } from '#kit/reconcilers/reconciler-lease.ts';
import type { Pass } from '#kit/reconcilers/reconciler.ts';
import { type KnownFiles, knownFiles, readRunFiles } from '#metrics/metric-files/read-run-files.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';

export interface FollowMetricsParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** This server, as it holds leases. */
  readonly server: string;
  readonly changes: Pick<ChangeFeed, 'publish'>;
  readonly folders: { output(run: RunId): string };
  readonly limits?: Partial<FollowLimits>;
}

interface FollowLimits {
  /** Between two looks at a run that lives; a look takes at most a twentieth of the time. */
  readonly lookEveryMs: number;
  readonly leaseMs: number;
}

const LIMITS: FollowLimits = { lookEveryMs: 2_000, leaseMs: 30_000 };
const LOOK_SHARE = 20;
const LOOKS_AT_ONCE = 4;
const LIVE_RUNS_LIMIT = 5_000;
const ENDED_RUNS_PER_PASS = 200;
/** Files that can never be read must not be tried for ever. */
const TROUBLES_LIMIT = 10;
const LEASE = 'follow-metrics';

interface RunRow {
  readonly id: RunId;
  readonly tenant: TenantId;
}

interface Followed {
  known: KnownFiles | null;
  lookAgainAt: number;
  troubles: number;
  /** Its folder has been listed since it ended: nothing comes to it any more. */
  listedAtEnd: boolean;
}

/**
 * Brings what runs write about themselves (event files, `metrics.jsonl`) into their series: of runs that live every few
 * seconds, of runs that have ended once more, to the end of each file. One server does it at a time, for all; what is read
 * is stored together with how far it was read, so a death, a lost lease or a second server only cost time.
 */
export function makeFollowMetrics(parts: FollowMetricsParts): Pass {
  const { db, clock, log } = parts;
  const limits = { ...LIMITS, ...parts.limits };
  const followed = new Map<RunId, Followed>();
  const held: { token: number | null } = { token: null };

  /** @returns whether there is more to read at once */
  const look = async (run: RunRow, ended: boolean, token: number, signal: AbortSignal): Promise<'more' | 'read' | 'failed'> => {
    const entry = followed.get(run.id) ?? { known: null, lookAgainAt: 0, troubles: 0, listedAtEnd: false };
    followed.set(run.id, entry);
    const began = clock.now().getTime();
    try {
      entry.known ??= await knownFiles(db, run.tenant, run.id);
      // What was listed while it lived may lack what it wrote last.
      if (ended) entry.known.listAgainAt = entry.listedAtEnd ? Infinity : 0;
      const lease = { name: LEASE, token };
      const ask = { tenant: run.tenant, run: run.id, output: parts.folders.output(run.id), ended, lease };
      const { changed, more } = await readRunFiles({ db, clock }, ask, entry.known, signal);
      entry.listedAtEnd = ended;
      const now = clock.now().getTime();
      entry.lookAgainAt = more ? 0 : now + Math.max(limits.lookEveryMs, (now - began) * LOOK_SHARE);
      entry.troubles = 0;
      if (changed) parts.changes.publish({ tenant: run.tenant, topic: 'metrics', id: run.id, change: 'updated' });
      return more ? 'more' : 'read';
    } catch (error) {
      // Deleted meanwhile, and its metrics with it.
      if (isSodateError(error) && error.code === 'not-found') return 'read';
      if (isDatabaseUnavailable(error)) throw error;
      Object.assign(entry, { known: null, listedAtEnd: false, troubles: entry.troubles + 1 });
      entry.lookAgainAt = clock.now().getTime() + limits.lookEveryMs * 2 ** Math.min(entry.troubles, 6);
      log.error({ err: error, run: run.id, troubles: entry.troubles }, 'metrics of a run could not be read; it is tried again');
      return entry.troubles >= TROUBLES_LIMIT ? 'read' : 'failed';
    }
  };

  /** Runs that have ended: each is done with when all its files are read. */
  const readEnded = async (token: number, signal: AbortSignal): Promise<boolean> => {
    const rows = await db
      .selectFrom('runs')
      .select(['id', 'tenant_id as tenant'])
      .where('metrics_read_at', 'is', null)
      .where('state', 'in', ['succeeded', 'failed', 'cancelled'])
      .orderBy('ended_at')
      .limit(ENDED_RUNS_PER_PASS)
      .execute();
    const now = clock.now().getTime();
    const due = (rows as RunRow[]).filter(({ id }) => (followed.get(id)?.troubles ?? 0) === 0 || (followed.get(id)?.lookAgainAt ?? 0) <= now);
    const done: RunId[] = [];
    let more = false;
    await inTurn(due, async (run) => {
      const result = await look(run, true, token, signal);
      if (result === 'more') more = true;
      else if (result === 'read' && !signal.aborted) done.push(run.id);
    });
    if (done.length > 0) await db.updateTable('runs').set({ metrics_read_at: clock.now() }).where('id', 'in', done).execute();
    for (const id of done) followed.delete(id);
    return more || (rows.length === ENDED_RUNS_PER_PASS && done.length > 0);
  };

  const readLive = async (token: number, signal: AbortSignal): Promise<boolean> => {
    const now = clock.now();
    const rows = await db
      .selectFrom('runs')
      .select(['id', 'tenant_id as tenant'])
      .where('state', 'in', ['running', 'stopping', 'finishing'])
      // Most runs are over sooner, and are looked at once, at their end.
      .where('started_at', '<=', new Date(now.getTime() - limits.lookEveryMs))
      .orderBy('id')
      .limit(LIVE_RUNS_LIMIT)
      .execute();
    const live = new Set(rows.map(({ id }) => id as RunId));
    for (const [id, { troubles }] of followed) if (!live.has(id) && troubles === 0) followed.delete(id);
    const due = (rows as RunRow[]).filter(({ id }) => (followed.get(id)?.lookAgainAt ?? 0) <= now.getTime());
    let more = false;
    await inTurn(due, async (run) => {
      if ((await look(run, false, token, signal)) === 'more') more = true;
    });
    return more;
  };

  return async (signal) => {
    const token = await takeReconcilerLease(db, { name: LEASE, server: parts.server, now: clock.now(), forMs: limits.leaseMs });
    if (token === null) return 'done';
    // Another server has read meanwhile, perhaps to the end, and perhaps somebody had it begin anew since.
    if (token !== held.token) followed.clear();
    held.token = token;
    const live = await readLive(token, signal);
    const ended = await readEnded(token, signal);
    return (live || ended) && !signal.aborted ? 'again' : 'done';
  };
}

/** A few at a time: most of each is waiting for the disk and the database. */
async function inTurn<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: LOOKS_AT_ONCE }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
}
