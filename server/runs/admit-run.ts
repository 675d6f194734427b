import type { Executor } from '#executors/executor.ts';
import type { ExecutorRegistry } from '#executors/executor-registry.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { TenantContext } from '#kit/http/access.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunSubmission } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

/**
 * Looks at a submission before it is queued. What can never run here is refused with the reason; what merely does not fit
 * any present node is let in with a warning, since nodes come and go.
 * @returns warnings for the submitter
 * @throws SodateError `image-not-supported`, `partition-unknown`, `over-quota`
 */
export async function admitRun(
  db: Database,
  executors: ExecutorRegistry,
  tenant: TenantContext,
  submission: Pick<RunSubmission, 'image' | 'resources' | 'partition'>,
): Promise<readonly RunWords[]> {
  const { image, resources, partition } = submission;
  const room = await readRoom(db, tenant.id);
  const mayUse = ({ id }: Executor): boolean => room.executors === null || room.executors.includes(id);
  if (!executors.supporting(image).some(mayUse)) {
    const available = executors.all.filter(mayUse).flatMap(({ capabilities: { images } }) => (images === 'any' ? ['any image of a registry'] : images));
    throw new SodateError('image-not-supported', { image, available: available.join(', ') || 'none' });
  }
  const { quota, nodes } = room;
  const known = [...new Set(nodes.map((node) => node.partition).filter((name) => name !== null))];
  if (partition !== undefined && !known.includes(partition)) throw new SodateError('partition-unknown', { partition, known: known.join(', ') || 'none' });
  const over = (amount: number, limit: number | null, unit: string): void => {
    if (limit !== null && amount > limit) throw new SodateError('over-quota', { asked: `${amount} ${unit}`, limit: `${limit} ${unit}`, tenant: tenant.name });
  };
  over(resources.cpu, quota.cpuMilli === null ? null : quota.cpuMilli / 1000, 'CPU');
  over(resources.memory, quota.memoryBytes, 'bytes of memory');
  over(resources.gpus, quota.gpus, 'GPUs');
  const suitable = nodes.filter((node) => partition === undefined || node.partition === partition);
  const fits = suitable.some(
    ({ cpuMilli, memoryBytes, gpus }) => resources.cpu * 1000 <= cpuMilli && resources.memory <= memoryBytes && resources.gpus <= gpus,
  );
  return fits ? [] : [runWords('no-node-large-enough')];
}

interface Amounts<Limit> {
  readonly cpuMilli: Limit;
  readonly memoryBytes: Limit;
  readonly gpus: Limit;
}

interface Room {
  readonly quota: Amounts<number | null>;
  /** The executors the tenant may use; null = all. */
  readonly executors: readonly string[] | null;
  readonly nodes: readonly (Amounts<number> & { readonly partition: string | null })[];
}

/** What the tenant may hold at most, and how large the nodes are. In one statement: it is part of every submission. */
async function readRoom(db: Database, tenant: string): Promise<Room> {
  const { rows } = await sql<Room>`
    select jsonb_build_object('cpuMilli', t.quota_cpu_milli, 'memoryBytes', t.quota_memory_bytes, 'gpus', t.quota_gpus) as quota, t.executors,
      coalesce((select jsonb_agg(jsonb_build_object('partition', n.partition, 'cpuMilli', n.cpu_milli, 'memoryBytes', n.memory_bytes,
        'gpus', (select count(*) from node_gpus g where g.node_id = n.id))) from nodes n), '[]') as nodes
    from tenants t where t.id = ${tenant}`.execute(db);
  return rows[0] ?? { quota: { cpuMilli: null, memoryBytes: null, gpus: null }, executors: null, nodes: [] };
}
