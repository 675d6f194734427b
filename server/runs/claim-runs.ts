import type { Database } from '#kit/db/open-database.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';

/** A live run this server has claimed, with what it needs to go on. */
export interface ClaimedRun {
  readonly tenant_id: string;
  readonly tenant_number: number;
  readonly drop_capabilities: boolean;
  readonly id: string;
  readonly kind: string;
  readonly number: number;
  readonly name: string;
  readonly state: RunState;
  readonly request: unknown;
  readonly image: string;
  readonly retries: Readonly<Record<string, number>>;
  readonly time_limit_seconds: number | null;
  readonly stop_asked_at: Date | null;
  readonly stop_grace_seconds: number | null;
  readonly stop_reason: 'asked' | 'time-limit' | null;
  readonly started_at: Date | null;
  readonly lease_token: number;
  readonly lease_until: Date | null;
  readonly attempt: number;
  readonly attempt_id: string;
  readonly executor: string;
  readonly node_name: string;
  readonly handle: unknown;
  readonly phase: string | null;
  readonly phase_progress: number | null;
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly gpus: readonly string[];
  /** When it was first told to end. */
  readonly terminated_at: Date | null;
  readonly exit_code: number | null;
  readonly failure_class: string | null;
  readonly failure_message: string | null;
  readonly failure_words: unknown;
}

/** Of a statement in which `r` is the run, and `a`, `n` and `t` its attempt, node and tenant. */
export const claimedColumns = sql`
  r.tenant_id, t.number as tenant_number, t.drop_capabilities, r.id, r.kind, r.number, r.name, r.state, r.request, r.image, r.retries, r.time_limit_seconds,
  r.stop_asked_at, r.stop_grace_seconds, r.stop_reason, r.started_at, r.lease_token, r.lease_until, r.attempt, r.attempt_id,
  a.executor, n.name as node_name, a.handle, a.phase, a.phase_progress, a.cpu_milli, a.memory_bytes, a.gpus,
  a.terminated_at, a.exit_code, a.failure_class, a.failure_message, a.failure_words`;

const joins = sql`join attempts a on a.id = r.attempt_id join nodes n on n.id = a.node_id join tenants t on t.id = r.tenant_id`;

/**
 * Claims live runs that nobody watches over: fresh ones, and those whose server has not renewed its claim. The token
 * grows with each claim, so whatever the earlier holder still writes under its own is refused.
 */
export async function claimRuns(
  db: Database,
  ask: { readonly server: string; readonly executors: readonly string[]; readonly now: Date; readonly leaseMs: number; readonly limit: number },
): Promise<readonly ClaimedRun[]> {
  const until = new Date(ask.now.getTime() + ask.leaseMs);
  const { rows } = await sql<ClaimedRun>`
    with due as (
      select r.id from runs r join attempts a on a.id = r.attempt_id
      where r.state in ('starting', 'running', 'stopping', 'finishing') and r.due_at <= ${ask.now}
        and (r.lease_until is null or r.lease_until < ${ask.now}) and a.executor = any(${ask.executors})
      order by r.due_at limit ${ask.limit} for update of r skip locked
    ), r as (
      update runs set lease_holder = ${ask.server}, lease_token = lease_token + 1, lease_until = ${until}
      from due where runs.id = due.id returning runs.*
    ) select ${claimedColumns} from r ${joins}`.execute(db);
  return rows;
}

/** Reads claimed runs again, whoever changed them since, and extends the claims. Those no longer ours are left out. */
export async function renewClaims(
  db: Database,
  ask: { readonly server: string; readonly runs: readonly string[]; readonly now: Date; readonly leaseMs: number },
): Promise<readonly ClaimedRun[]> {
  const until = new Date(ask.now.getTime() + ask.leaseMs);
  const { rows } = await sql<ClaimedRun>`
    with r as (
      update runs set lease_until = ${until}
      where id = any(${ask.runs}) and lease_holder = ${ask.server} and state in ('starting', 'running', 'stopping', 'finishing') returning runs.*
    ) select ${claimedColumns} from r ${joins}`.execute(db);
  return rows;
}

/** One claimed run as it is now, or null when it is no longer ours. */
export async function readClaimed(db: Database, run: Pick<ClaimedRun, 'id' | 'lease_token'>): Promise<ClaimedRun | null> {
  const { rows } = await sql<ClaimedRun>`select ${claimedColumns} from runs r ${joins} where r.id = ${run.id} and r.lease_token = ${run.lease_token}`.execute(
    db,
  );
  return rows[0] ?? null;
}

/**
 * At the start of a server: gives up what this same server had claimed before it died, so that it can be claimed at once
 * instead of when the claim runs out. Safe because only one process at a time runs as this server. Leases run out and are
 * not deleted: their tokens must never come again, or a server that was paused for long could still write under its own.
 */
export async function releaseClaims(db: Database, server: string): Promise<void> {
  await db.updateTable('runs').set({ lease_until: null }).where('lease_holder', '=', server).where('lease_until', 'is not', null).execute();
  await db
    .updateTable('reconciler_leases')
    .set({ until: new Date(0) })
    .where('holder', '=', server)
    .execute();
}
