import type { Database } from '#kit/db/open-database.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { Waiting } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';
import { z } from 'zod';

const HOLDERS_SHOWN = 20;
const AHEAD_COUNTED = 1_000;

const Because = z.object({
  reason: z.enum(['turn', 'quota', 'capacity', 'never-fits', 'no-node']),
  limit: z.object({ cpuMilli: z.number().nullable(), memoryBytes: z.number().nullable(), gpus: z.number().nullable() }).nullable(),
});

/** Why a queued run has not started: from the stored blocker of its kind of request, its place, and who holds what it needs. */
export async function explainWaiting(db: Database, tenant: TenantId, run: string): Promise<z.input<typeof Waiting> | null> {
  const row = await db
    .selectFrom('runs')
    .leftJoin('queue_blockers', (join) =>
      join
        .onRef('queue_blockers.tenant_id', '=', 'runs.tenant_id')
        .on('queue_blockers.partition', '=', sql<string>`coalesce(runs.partition, '')`)
        .onRef('queue_blockers.shape', '=', 'runs.shape'),
    )
    .select([
      'runs.state',
      'runs.partition',
      'runs.shape',
      'runs.priority',
      'runs.queued_at',
      'runs.cpu_milli',
      'runs.memory_bytes',
      'runs.gpus',
      'runs.image',
      'queue_blockers.because',
    ])
    .where('runs.tenant_id', '=', tenant)
    .where('runs.id', '=', run)
    .executeTakeFirst();
  if (row === undefined || row.state !== 'queued') return null;
  const ahead = await countAhead(db, tenant, run, row);
  const asked = { cpu: row.cpu_milli / 1000, memory: row.memory_bytes, gpus: row.gpus };
  const because = Because.safeParse(row.because);
  if (!because.success)
    return { reason: 'turn', message: ahead === 0 ? 'It is next.' : `${ahead} runs of this tenant come first.`, ahead, asked, limit: null, heldBy: [] };
  const { reason, limit } = because.data;
  const inUnits = limit === null ? null : { cpu: limit.cpuMilli === null ? null : limit.cpuMilli / 1000, memory: limit.memoryBytes, gpus: limit.gpus };
  const heldBy = reason === 'quota' || reason === 'capacity' || reason === 'turn' ? await listHolders(db, tenant) : [];
  return { reason, message: messageFor(reason, asked, inUnits, row.image, row.partition), ahead, asked, limit: inUnits, heldBy };
}

async function countAhead(
  db: Database,
  tenant: TenantId,
  run: string,
  row: { partition: string | null; shape: string; priority: number; queued_at: Date },
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from (
      select 1 from runs where state = 'queued' and tenant_id = ${tenant} and coalesce(partition, '') = ${row.partition ?? ''} and shape = ${row.shape}
        and (priority > ${row.priority} or (priority = ${row.priority} and (queued_at, id) < (${row.queued_at}, ${run}::uuid)))
      limit ${AHEAD_COUNTED}) ahead`.execute(db);
  return rows[0]?.n ?? 0;
}

/** Only the tenant's own runs are named; what others hold stays their own business. */
async function listHolders(db: Database, tenant: TenantId): Promise<string[]> {
  const rows = await db
    .selectFrom('attempts')
    .innerJoin('runs', 'runs.id', 'attempts.run_id')
    .select(['runs.kind', 'runs.number'])
    .where('attempts.tenant_id', '=', tenant)
    .where('attempts.released_at', 'is', null)
    .orderBy('attempts.placed_at')
    .limit(HOLDERS_SHOWN)
    .execute();
  return rows.map((row) => `${row.kind}-${row.number}`);
}

function messageFor(
  reason: z.infer<typeof Because>['reason'],
  asked: { cpu: number; memory: number; gpus: number },
  limit: { cpu: number | null; memory: number | null; gpus: number | null } | null,
  image: string,
  partition: string | null,
): string {
  const wants = amountText(asked);
  switch (reason) {
    case 'turn':
      return 'An earlier run of this tenant has waited long for what is left of its quota, and goes first.';
    case 'quota':
      return `It asks for ${wants}; with what this tenant's runs hold now that is over its quota of ${amountText(limit)}.`;
    case 'capacity':
      return `It asks for ${wants}; no suitable node has that free now. The largest has ${amountText(limit)} in all.`;
    case 'never-fits':
      return `It asks for ${wants}; the largest present node has ${amountText(limit)}. Ask for less, or add a node.`;
    case 'no-node':
      return `No healthy node${partition === null ? '' : ` of the partition ${partition}`} runs the image ${image} now.`;
  }
}

function amountText(amount: { readonly cpu: number | null; readonly memory: number | null; readonly gpus: number | null } | null): string {
  if (amount === null) return 'nothing';
  const parts = [
    amount.cpu === null ? null : `${amount.cpu} CPU`,
    amount.memory === null ? null : `${(amount.memory / 1e9).toFixed(2)} GB`,
    amount.gpus === null || amount.gpus === 0 ? null : `${amount.gpus} GPU`,
  ];
  return parts.filter((part) => part !== null).join(', ') || 'no limit';
}
