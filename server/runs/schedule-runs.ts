import { newId } from '#kit/ids.ts';
import { holdsReconcilerLease, type LeaseToken, takeReconcilerLease } from '#kit/reconcilers/reconciler-lease.ts';
import { readPlacementNodes } from '#nodes/nodes.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import { type ClaimedRun, claimedColumns } from '#runs/claim-runs.ts';
import type { RunDriver } from '#runs/drive-runs.ts';
import { type Blocker, placeRuns, type Placement, type PlacementResult } from '#runs/place-runs.ts';
import { type HeadRow, type QueueGroup, readHeads } from '#runs/read-heads.ts';
import { readTenantShares } from '#runs/tenant-shares.ts';
import { makeBlockerBook, type UnderLease } from '#runs/queue-blockers.ts';
import { sql } from 'kysely';
import { runText, runWords } from '@sodate/contract/run-words.ts';

const LEASE = 'schedule-runs';
const PLACED = runWords('placed');

/**
 * The scheduling pass: reads the heads of the queues, what the nodes have and the tenants hold, asks the pure placement,
 * and writes what it answers in one transaction. Only the holder of the lease does so; each transaction checks the token,
 * so a server that was paused in the middle writes nothing. What this server can start itself is claimed for it in the same
 * statement and handed to `driver`, which spares a second one for each run. Dying before the commit changes nothing; dying
 * after it, before or after that hand-over, leaves placed runs for `claimRuns` once the claim is given up or has run out.
 */
export function makeScheduleRuns(parts: EngineParts, driver: Pick<RunDriver, 'room' | 'take' | 'hintPlaced'>): () => Promise<'again' | 'done'> {
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
    const placed = await place(parts, heads.rows, now, token, driver.room());
    if (placed === null) {
      lease.token = null;
      return 'done';
    }
    const { placements, blockers, claimed } = placed;
    driver.take(claimed);
    round.blockers = [...(round.after === null ? [] : round.blockers), ...blockers];
    round.after = heads.next;
    if (heads.next === null) await blockerBook.write(round.blockers, token, now, underLease);
    if (placements.length > claimed.length) driver.hintPlaced();
    for (const { run } of placements) {
      const head = heads.rows.find((row) => row.run === run);
      if (head) parts.changes.publish({ tenant: head.tenant, topic: 'run', id: run, change: 'updated' });
    }
    return (placements.length > 0 && heads.more) || heads.next !== null ? 'again' : 'done';
  };
}

interface Placed extends PlacementResult {
  /** Those of them that this server has claimed. */
  readonly claimed: readonly ClaimedRun[];
}

/** @returns null when the lease is lost, and nothing was placed */
async function place(parts: EngineParts, heads: readonly HeadRow[], now: Date, token: LeaseToken, room: number): Promise<Placed | null> {
  if (heads.length === 0) return { placements: [], blockers: [], claimed: [] };
  const { db, limits } = parts;
  const [nodes, tenants] = await Promise.all([readPlacementNodes(db, now), readTenantShares(db, [...new Set(heads.map((head) => head.tenant))])]);
  const result = placeRuns({ now, nodes, tenants, heads, reserveAfterMs: limits.reserveAfterMs });
  if (result.placements.length === 0) return { ...result, claimed: [] };
  const claimed = await writePlacements(parts, token, result, nodes, now, room);
  return claimed === null ? null : { ...result, claimed };
}

/** @returns what was claimed for this server, or null when the lease is lost, and nothing was written */
async function writePlacements(
  { db, executors, server, limits }: EngineParts,
  token: LeaseToken,
  result: PlacementResult,
  nodes: Awaited<ReturnType<typeof readPlacementNodes>>,
  now: Date,
  room: number,
): Promise<readonly ClaimedRun[] | null> {
  const isolationOf = (placement: Placement): string =>
    nodes.find(({ id }) => id === placement.node)?.executors.find(({ id }) => id === placement.executor)?.isolation ?? 'none';
  const rows = result.placements.map((placement, nth) => ({
    ...placement,
    attempt: newId<string>(),
    isolation: isolationOf(placement),
    // Which server launches it depends on who has the executor: only such a one may claim it.
    ours: nth < room && executors.get(placement.executor) !== undefined,
  }));
  const until = new Date(now.getTime() + limits.leaseMs);
  // One statement, so one round trip and one commit. It writes nothing when the lease is lost, which `held` keeps still
  // until the commit. A run that was cancelled since the heads were read is not in `r`, and so gets no attempt. A pair
  // (node, GPU) is a key: were it taken, the whole pass would be undone rather than give it away twice.
  const { rows: answer } = await sql<ClaimedRun & { readonly held: boolean; readonly ours: boolean | null }>`
    with held as (
      select 1 from reconciler_leases where name = ${LEASE} and token = ${token} for share
    ), wanted as (
      select w.* from held, jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as w(run uuid, node uuid, executor text, attempt uuid, isolation text, gpus jsonb, ours boolean)
    ), r as (
      update runs set state = 'starting', attempt = runs.attempt + 1, attempt_id = w.attempt, due_at = ${now},
        lease_holder = case when w.ours then ${server} else runs.lease_holder end,
        lease_token = runs.lease_token + case when w.ours then 1 else 0 end,
        lease_until = case when w.ours then ${until}::timestamptz end
      from wanted w where runs.id = w.run and runs.state = 'queued'
      returning runs.*
    ), a as (
      insert into attempts (tenant_id, id, run_id, number, executor, node_id, isolation, cpu_milli, memory_bytes, gpus, placed_at, phase)
      select r.tenant_id, r.attempt_id, r.id, r.attempt, w.executor, w.node, w.isolation, r.cpu_milli, r.memory_bytes,
        array(select jsonb_array_elements_text(w.gpus)), ${now}, 'staging'
      from r join wanted w on w.run = r.id returning attempts.*
    ), noted as (
      insert into run_timeline (tenant_id, run_id, at, state, attempt, note, words)
      select tenant_id, id, ${now}, 'starting', attempt, ${runText(PLACED)}::text, ${JSON.stringify(PLACED)}::jsonb from r
    ), allocated as (
      insert into gpu_allocations (node_id, gpu, tenant_id, attempt_id)
      select w.node, gpu, r.tenant_id, r.attempt_id from r join wanted w on w.run = r.id cross join lateral jsonb_array_elements_text(w.gpus) as gpu
    )
    select exists (select 1 from held) as held, w.ours, ${claimedColumns}
    from (select 1) as one left join (wanted w join r on r.id = w.run join a on a.id = r.attempt_id
      join nodes n on n.id = a.node_id join tenants t on t.id = r.tenant_id) on true`.execute(db);
  return answer[0]?.held === true ? answer.filter(({ ours }) => ours === true) : null;
}
