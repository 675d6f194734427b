import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { holdsReconcilerLease, type LeaseToken, takeReconcilerLease } from '#kit/reconcilers/reconciler-lease.ts';
import { readPlacementNodes } from '#nodes/nodes.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import { type Blocker, placeRuns, type Placement, type PlacementResult } from '#runs/place-runs.ts';
import { type HeadRow, type QueueGroup, readHeads } from '#runs/read-heads.ts';
import { readTenantShares } from '#runs/tenant-shares.ts';
import { makeBlockerBook, type UnderLease } from '#runs/queue-blockers.ts';
import { sql } from 'kysely';

const LEASE = 'schedule-runs';

/**
 * The scheduling pass: reads the heads of the queues, what the nodes have and the tenants hold, asks the pure placement,
 * and writes what it answers in one transaction. Only the holder of the lease does so; each transaction checks the token,
 * so a server that was paused in the middle writes nothing. `onPlaced` wakes the worker that launches what was placed.
 * Dying before the commit changes nothing; dying after it leaves placed runs for `claimRuns`.
 */
export function makeScheduleRuns(parts: EngineParts, onPlaced: () => void): () => Promise<'again' | 'done'> {
  const blockerBook = makeBlockerBook();
  // A round is one pass, or as many as it takes to see every group once.
  const round: { after: QueueGroup | null; blockers: readonly Blocker[] } = { after: null, blockers: [] };
  const lease: { token: LeaseToken | null; takenAt: number } = { token: null, takenAt: 0 };
  return async () => {
    const { db, clock, limits } = parts;
    const now = clock.now();
    // Not with each pass, since it is a write: whether it still holds is asked by every transaction under it.
    if (lease.token === null || Math.abs(now.getTime() - lease.takenAt) >= limits.leaseMs / 3) {
      lease.token = await takeReconcilerLease(db, { name: LEASE, server: parts.server, now, forMs: limits.leaseMs });
      lease.takenAt = now.getTime();
    }
    const { token } = lease;
    if (token === null) return 'done';
    const underLease: UnderLease = (work) =>
      db.transaction().execute(async (tx) => {
        if (await holdsReconcilerLease(tx, LEASE, token)) {
          await work(tx);
          return true;
        }
        lease.token = null;
        return false;
      });
    const heads = await readHeads(db, { now, groups: limits.queueGroups, perGroup: limits.headsPerGroup, after: round.after });
    const placed = await place(parts, heads.rows, now, token);
    if (placed === null) {
      lease.token = null;
      return 'done';
    }
    const { placements, blockers } = placed;
    round.blockers = [...(round.after === null ? [] : round.blockers), ...blockers];
    round.after = heads.next;
    if (heads.next === null) await blockerBook.write(round.blockers, token, now, underLease);
    if (placements.length > 0) onPlaced();
    for (const { run } of placements) {
      const head = heads.rows.find((row) => row.run === run);
      if (head) parts.changes.publish({ tenant: head.tenant, topic: 'run', id: run, change: 'updated' });
    }
    return (placements.length > 0 && heads.more) || heads.next !== null ? 'again' : 'done';
  };
}

/** @returns null when the lease is lost, and nothing was placed */
async function place(parts: EngineParts, heads: readonly HeadRow[], now: Date, token: LeaseToken): Promise<PlacementResult | null> {
  if (heads.length === 0) return { placements: [], blockers: [] };
  const { db, limits } = parts;
  const [nodes, tenants] = await Promise.all([readPlacementNodes(db, now), readTenantShares(db, [...new Set(heads.map((head) => head.tenant))])]);
  const result = placeRuns({ now, nodes, tenants, heads, reserveAfterMs: limits.reserveAfterMs });
  if (result.placements.length > 0 && !(await writePlacements(db, token, result, nodes, now))) return null;
  return result;
}

async function writePlacements(
  db: Database,
  token: LeaseToken,
  result: PlacementResult,
  nodes: Awaited<ReturnType<typeof readPlacementNodes>>,
  now: Date,
): Promise<boolean> {
  const isolationOf = (placement: Placement): string =>
    nodes.find(({ id }) => id === placement.node)?.executors.find(({ id }) => id === placement.executor)?.isolation ?? 'none';
  const rows = result.placements.map((placement) => ({
    ...placement,
    attempt: newId<string>(),
    isolation: isolationOf(placement),
  }));
  // One statement, so one round trip and one commit. It writes nothing when the lease is lost, which `held` keeps still
  // until the commit. A run that was cancelled since the heads were read is not in `placed`, and so gets no attempt.
  // Nothing is claimed for this server here: which server launches it depends on who has the executor. A pair (node, GPU)
  // is a key: were it taken, the whole pass would be undone rather than give it away twice.
  const { rows: answer } = await sql<{ held: number }>`
    with held as (
      select 1 from reconciler_leases where name = ${LEASE} and token = ${token} for share
    ), wanted as (
      select w.* from held, jsonb_to_recordset(${JSON.stringify(rows.map(({ run, node, executor, attempt, isolation, gpus }) => ({ run, node, executor, attempt, isolation, gpus })))}::jsonb)
        as w(run uuid, node uuid, executor text, attempt uuid, isolation text, gpus jsonb)
    ), placed as (
      update runs set state = 'starting', attempt = runs.attempt + 1, attempt_id = w.attempt, due_at = ${now}, lease_until = null
      from wanted w where runs.id = w.run and runs.state = 'queued'
      returning runs.tenant_id, runs.id, runs.attempt, runs.attempt_id, runs.cpu_milli, runs.memory_bytes, w.node, w.executor, w.isolation, w.gpus
    ), attempted as (
      insert into attempts (tenant_id, id, run_id, number, executor, node_id, isolation, cpu_milli, memory_bytes, gpus, placed_at, phase)
      select tenant_id, attempt_id, id, attempt, executor, node, isolation, cpu_milli, memory_bytes, array(select jsonb_array_elements_text(gpus)), ${now}, 'staging' from placed
    ), noted as (
      insert into run_timeline (tenant_id, run_id, at, state, attempt, note) select tenant_id, id, ${now}, 'starting', attempt, 'placed' from placed
    ), allocated as (
      insert into gpu_allocations (node_id, gpu, tenant_id, attempt_id)
      select node, gpu, tenant_id, attempt_id from placed cross join lateral jsonb_array_elements_text(gpus) as gpu
    )
    select count(*)::int as held from held`.execute(db);
  return answer[0]?.held === 1;
}
