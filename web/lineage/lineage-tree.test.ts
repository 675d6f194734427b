import { describe, expect, it } from 'vitest';
import { type Lineage, lineageTree, type TreeItem } from './lineage-tree.ts';

const run = (id: string): { kind: 'run'; id: string } => ({ kind: 'run', id });

function graph(edges: readonly string[]): Lineage {
  const ids = new Set(edges.flatMap((edge) => edge.split('>')));
  return {
    nodes: [...ids].map((id) => ({ ...run(id), label: id, deleted: false })),
    edges: edges.map((edge) => {
      const [from = '', to = ''] = edge.split('>');
      return { from: run(from), to: run(to), relation: 'parent', createdAt: '2026-01-01T00:00:00Z' };
    }),
    truncated: false,
  };
}

const show = (items: readonly TreeItem[]): string =>
  items.map(({ node, again, branches }) => `${node.label}${again ? '^' : ''}${branches.length > 0 ? `(${show(branches)})` : ''}`).join(' ');

describe('the tree of a lineage', () => {
  it.each([
    [['a>b', 'b>c'], 'c', 'b(a)'],
    [['a>b', 'a>c', 'b>d', 'c>d'], 'd', 'b(a) c(a^)'],
    [['a>b', 'a>c', 'b>c'], 'c', 'a b(a^)'],
    [['a>b', 'a>b'], 'b', 'a'],
    [['a>b', 'b>a'], 'a', 'b(a^)'],
    [[], 'a', ''],
  ])('%j seen from %s: %s', (edges, root, text) => {
    expect(show(lineageTree(graph(edges), run(root), 'ancestors'))).toBe(text);
  });

  it('goes the other way for descendants', () => {
    expect(show(lineageTree(graph(['a>b', 'b>c']), run('a'), 'descendants'))).toBe('b(c)');
  });
});
