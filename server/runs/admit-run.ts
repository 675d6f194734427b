import type { ExecutorRegistry } from '#executors/executor-registry.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { TenantContext } from '#kit/http/access.ts';
import { readPlacementNodes } from '#nodes/nodes.ts';
import { readTenantShares } from '#runs/tenant-shares.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunSubmission } from '@sodate/contract/runs.ts';

/**
 * Looks at a submission before it is queued. What can never run here is refused with the reason; what merely does not fit
 * any present node is let in with a warning, since nodes come and go.
 * @returns warnings for the submitter
 * @throws SodateError `image-not-supported`, `partition-unknown`, `over-quota`
 */
export async function admitRun(db: Database, executors: ExecutorRegistry, tenant: TenantContext, submission: Pick<RunSubmission, 'image' | 'resources' | 'partition'>, now: Date): Promise<readonly string[]> {
  const { image, resources, partition } = submission;
  if (executors.supporting(image).length === 0) {
    const available = executors.all.flatMap(({ capabilities }) => (capabilities.images === 'any' ? ['any image of a registry'] : capabilities.images));
    throw new SodateError('image-not-supported', { image, available: available.join(', ') || 'none' });
  }
  const [nodes, shares] = await Promise.all([readPlacementNodes(db, now), readTenantShares(db, [tenant.id])]);
  const known = [...new Set(nodes.map((node) => node.partition).filter((name) => name !== null))];
  if (partition !== undefined && !known.includes(partition)) throw new SodateError('partition-unknown', { partition, known: known.join(', ') || 'none' });
  const quota = shares.get(tenant.id)?.quota;
  const over = (amount: number, limit: number | null | undefined, unit: string): void => {
    if (limit !== null && limit !== undefined && amount > limit) throw new SodateError('over-quota', { asked: `${amount} ${unit}`, limit: `${limit} ${unit}`, tenant: tenant.name });
  };
  over(resources.cpu, quota?.cpuMilli == null ? null : quota.cpuMilli / 1000, 'CPU');
  over(resources.memory, quota?.memoryBytes, 'bytes of memory');
  over(resources.gpus, quota?.gpus, 'GPUs');
  const suitable = nodes.filter((node) => partition === undefined || node.partition === partition);
  const fits = suitable.some(({ capacity }) => resources.cpu * 1000 <= capacity.cpuMilli && resources.memory <= capacity.memoryBytes && resources.gpus <= capacity.gpus);
  return fits ? [] : ['No present node is large enough for this request. It waits until there is one.'];
}
