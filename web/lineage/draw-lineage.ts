import type { LineageKind } from '@sodate/contract/lineage.ts';
import type { Lineage } from './lineage-tree.ts';

export interface DrawnNode {
  /** `kind id`; of a group the key of its first member with `group` before it. */
  readonly key: string;
  readonly kind: LineageKind;
  readonly id: string;
  readonly label: string;
  readonly deleted: boolean;
  /** How many things stand behind it; 1 unless it is a group. */
  readonly amount: number;
}

interface DrawnEdge {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly relation: string;
}

export interface Drawing {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

/** More alike than this are drawn as one: a data set of a thousand data is a thousand lines that say the same. */
const DRAWN_APART = 4;

export const keyOf = (thing: { readonly kind: string; readonly id: string }): string => `${thing.kind} ${thing.id}`;

/**
 * Several views of the graph as one drawing. Things of one kind that are connected with exactly the same others become a
 * group, unless they are in `apart`: what one looks from, and groups that were opened (by the key of the group).
 */
export function drawLineage(views: readonly Lineage[], known: readonly Omit<DrawnNode, 'key' | 'amount'>[], apart: ReadonlySet<string>): Drawing {
  const nodes = new Map<string, Omit<DrawnNode, 'amount'>>();
  for (const node of [...known, ...views.flatMap((view) => view.nodes)]) {
    const key = keyOf(node);
    nodes.set(key, { ...node, key });
  }
  const edges = new Map<string, DrawnEdge>();
  for (const edge of views.flatMap((view) => view.edges)) {
    const [from, to] = [keyOf(edge.from), keyOf(edge.to)];
    // Two relations between the same two, such as input and parent, are one line.
    const key = `${from} → ${to}`;
    const before = edges.get(key);
    if (nodes.has(from) && nodes.has(to)) edges.set(key, { key, from, to, relation: before === undefined ? edge.relation : before.relation });
  }

  const around = new Map<string, string[]>();
  for (const { from, to } of edges.values()) {
    around.set(from, [...(around.get(from) ?? []), `> ${to}`]);
    around.set(to, [...(around.get(to) ?? []), `< ${from}`]);
  }
  const alike = new Map<string, Omit<DrawnNode, 'amount'>[]>();
  for (const node of nodes.values()) {
    const look = apart.has(node.key) ? node.key : `${node.kind}: ${[...(around.get(node.key) ?? [])].sort().join(' | ')}`;
    const members = alike.get(look) ?? [];
    members.push(node);
    alike.set(look, members);
  }

  const drawnAs = new Map<string, string>();
  const drawn: DrawnNode[] = [];
  for (const members of alike.values()) {
    const [first] = members;
    if (first === undefined) continue;
    const group = `group ${first.key}`;
    const together = members.length > DRAWN_APART && !apart.has(group);
    if (together) drawn.push({ ...first, key: group, amount: members.length });
    for (const node of members) {
      drawnAs.set(node.key, together ? group : node.key);
      if (!together) drawn.push({ ...node, amount: 1 });
    }
  }
  const lines = new Map<string, DrawnEdge>();
  for (const edge of edges.values()) {
    const from = drawnAs.get(edge.from) ?? edge.from;
    const to = drawnAs.get(edge.to) ?? edge.to;
    const key = `${from} → ${to}`;
    lines.set(key, { key, from, to, relation: edge.relation });
  }
  return { nodes: drawn, edges: [...lines.values()] };
}
