import { describe, expect, it } from 'vitest';
import { drawLineage } from './draw-lineage.ts';
import type { Lineage } from './lineage-tree.ts';

const node = (kind: 'data' | 'dataset' | 'run', id: string) => ({ kind, id, label: `${kind} ${id}`, deleted: false });
const edge = (from: ReturnType<typeof node>, to: ReturnType<typeof node>, relation = 'input') => ({ from, to, relation, createdAt: '2026-01-01T00:00:00Z' });
const run = node('run', 'r');
const dataset = node('dataset', 's');
const data = Array.from({ length: 10 }, (_, index) => node('data', `d${index}`));
const view = (nodes: Lineage['nodes'], edges: Lineage['edges']): Lineage => ({ nodes, edges, truncated: false });
const whole = view([dataset, ...data], [edge(dataset, run), ...data.map((one) => edge(one, dataset, 'contains'))]);
const said = (drawing: ReturnType<typeof drawLineage>) => ({
  nodes: drawing.nodes.map(({ key, amount }) => `${key} ×${amount}`).sort(),
  edges: drawing.edges.map(({ key }) => key).sort(),
});

describe('a drawing of lineage', () => {
  it('draws many alike as one, and apart once they are opened', () => {
    const drawing = drawLineage([whole], [run], new Set(['run r']));
    expect(said(drawing)).toEqual({
      nodes: ['dataset s ×1', 'group data d0 ×10', 'run r ×1'],
      edges: ['dataset s → run r', 'group data d0 → dataset s'],
    });
    expect(drawLineage([whole], [run], new Set(['run r', 'group data d0'])).nodes).toHaveLength(12);
  });

  it('keeps apart what is connected differently, and what one looks from', () => {
    const other = node('run', 'q');
    const more = view([other], [edge(data[3] as never, other)]);
    expect(said(drawLineage([whole, more], [run], new Set(['run r']))).nodes).toContain('data d3 ×1');
    expect(said(drawLineage([whole], [run], new Set(['run r', 'data d5']))).nodes).toContain('data d5 ×1');
  });

  it('draws what two views share once, and two relations as one line', () => {
    const twice = view([dataset], [edge(dataset, run), edge(dataset, run, 'parent')]);
    expect(said(drawLineage([twice, twice], [run], new Set()))).toEqual({ nodes: ['dataset s ×1', 'run r ×1'], edges: ['dataset s → run r'] });
  });

  it('leaves out lines to what it does not know', () => {
    expect(drawLineage([view([], [edge(dataset, run)])], [run], new Set()).edges).toEqual([]);
  });
});
