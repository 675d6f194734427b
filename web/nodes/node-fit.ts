import type { Node } from '@sodate/contract/nodes.ts';
import type { Resources } from '@sodate/contract/resources.ts';

/** `now`: free. `later`: large enough, but in use. `small`: never, as it is. `unsuited`: not this image or partition, or out of service. */
export type Fit = 'now' | 'later' | 'small' | 'unsuited';

export interface Asked {
  readonly resources: Resources;
  readonly image: string;
  readonly partition: string | null;
  /** The executors that the tenant may use; null = all. */
  readonly executors: readonly string[] | null;
}

const AMOUNTS = ['cpu', 'memory', 'gpus'] as const;

/** Whether a node could hold a run, judged as the server will: only it decides. */
export function fitOf(node: Node, { resources, image, partition, executors }: Asked): Fit {
  const takes = node.executors.some(
    ({ id, images }) => (executors === null || executors.includes(id)) && (images === 'any' ? image !== 'host' : images.includes(image)),
  );
  if (!takes || !node.enabled || node.problem !== null || (partition !== null && node.partition !== partition)) return 'unsuited';
  if (AMOUNTS.some((name) => resources[name] > node.capacity[name])) return 'small';
  return AMOUNTS.some((name) => resources[name] > node.capacity[name] - node.used[name]) ? 'later' : 'now';
}
