import type { getLineage } from '@sodate/contract/lineage.ts';
import type { z } from 'zod';

export type Lineage = z.output<(typeof getLineage)['response']>;
type Node = Lineage['nodes'][number];

export interface TreeItem {
  /** Unique in the tree, also where a thing appears twice. */
  readonly key: string;
  readonly node: Node;
  /** The thing has its branches elsewhere in the tree. */
  readonly again: boolean;
  readonly branches: readonly TreeItem[];
}

const keyOf = (node: { readonly kind: string; readonly id: string }): string => `${node.kind} ${node.id}`;

/**
 * The graph as seen from one thing. A thing that several lead to is unfolded where it is nearest to the root and only
 * named elsewhere, so the tree is never larger than the graph.
 */
export function lineageTree(
  lineage: Lineage,
  root: { readonly kind: string; readonly id: string },
  direction: 'ancestors' | 'descendants',
): readonly TreeItem[] {
  const nodes = new Map(lineage.nodes.map((node) => [keyOf(node), node]));
  const steps = new Map<string, string[]>();
  for (const edge of lineage.edges) {
    const [near, far] = direction === 'ancestors' ? [edge.to, edge.from] : [edge.from, edge.to];
    const known = steps.get(keyOf(near)) ?? [];
    known.push(keyOf(far));
    steps.set(keyOf(near), known);
  }

  /** `from` = by which thing it is reached first, going outwards level by level. */
  const reachedFrom = new Map<string, string>([[keyOf(root), '']]);
  const outwards = [keyOf(root)];
  for (const key of outwards) {
    for (const step of steps.get(key) ?? []) {
      if (reachedFrom.has(step)) continue;
      reachedFrom.set(step, key);
      outwards.push(step);
    }
  }

  const unfold = (key: string, path: string): readonly TreeItem[] => {
    // Two edges between the same things, such as input and parent, are one step.
    return [...new Set(steps.get(key))].flatMap((step) => {
      const node = nodes.get(step);
      if (node === undefined) return [];
      const again = reachedFrom.get(step) !== key;
      const itemKey = `${path}/${step}`;
      return [{ key: itemKey, node, again, branches: again ? [] : unfold(step, itemKey) }];
    });
  };
  return unfold(keyOf(root), '');
}
