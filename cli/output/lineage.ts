import type { z } from 'zod';
import type { getLineage, LineageKind } from '@sodate/contract/lineage.ts';
import { printable } from './table.ts';

type Lineage = z.output<(typeof getLineage)['response']>;
interface Place {
  readonly kind: LineageKind;
  readonly id: string;
}

/** A data set may contain 100,000 data; a tree with all of them helps nobody. */
const SHOWN_CHILDREN = 12;

/** Draws the graph as a tree from `root`. What has been drawn with its children is only named the next time. */
export function lineageTree(lineage: Lineage, root: Place, direction: 'ancestors' | 'descendants'): string {
  const labels = new Map(lineage.nodes.map((node) => [keyOf(node), labelOf(node)]));
  const children = new Map<string, { relation: string; place: Place }[]>();
  for (const { from, to, relation } of lineage.edges) {
    const [parent, child] = direction === 'ancestors' ? [to, from] : [from, to];
    const siblings = children.get(keyOf(parent)) ?? [];
    siblings.push({ relation, place: child });
    children.set(keyOf(parent), siblings);
  }
  const drawn = new Set<string>();
  const lines: string[] = [];
  const draw = (place: Place, title: string, first: string, next: string): void => {
    const key = keyOf(place);
    const below = children.get(key) ?? [];
    const again = drawn.has(key) && below.length > 0;
    lines.push(`${first}${title}${printable(labels.get(key) ?? place.id)}${again ? ' (see above)' : ''}`);
    if (again) return;
    drawn.add(key);
    const shown = below.slice(0, SHOWN_CHILDREN);
    const rest = below.length - shown.length;
    shown.forEach(({ relation, place: child }, at) => {
      const isLast = at === shown.length - 1 && rest === 0;
      draw(child, `${relation}: `, `${next}${isLast ? '└─ ' : '├─ '}`, `${next}${isLast ? '   ' : '│  '}`);
    });
    if (rest > 0) lines.push(`${next}└─ … and ${rest} more`);
  };
  draw(root, '', '', '');
  return lines.join('\n') + (lineage.truncated ? '\n(there is more than the server shows; see --depth)' : '');
}

/** A run's label says its kind, a commit's its place; data and data sets are only numbered. */
function labelOf({ kind, label, deleted }: Lineage['nodes'][number]): string {
  const kindWord = kind === 'data' ? 'data ' : kind === 'dataset' ? 'data set ' : '';
  return `${kindWord}${label}${deleted ? ' (deleted)' : ''}`;
}

const keyOf = ({ kind, id }: Place): string => `${kind} ${id}`;
