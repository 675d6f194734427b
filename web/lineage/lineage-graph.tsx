import dagre from '@dagrejs/dagre';
import { Alert, Button, Group, Skeleton, Text, Tooltip, UnstyledButton, useComputedColorScheme } from '@mantine/core';
import { useQueries, type UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconArrowsMaximize, IconPointer } from '@tabler/icons-react';
import { Background, Controls, type Edge, Handle, type Node, type NodeProps, Position, ReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { createContext, useContext, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { type Drawing, type DrawnNode, drawLineage, keyOf } from './draw-lineage.ts';
import classes from './lineage-graph.module.css';
import { type LineageRoot, lineageQuery } from './lineage-queries.ts';
import type { Lineage } from './lineage-tree.ts';
import { KIND_ICONS, pageOfThing } from './lineage-words.ts';

const NODE = { width: 260, height: 62 };

type ThingNode = Node<{ readonly thing: DrawnNode; readonly here: boolean; readonly walked: boolean }, 'thing'>;
interface Walk {
  readonly tenant: string;
  readonly onWalk: (thing: DrawnNode) => void;
  readonly onOpen: (group: DrawnNode) => void;
}
const WalkContext = createContext<Walk | null>(null);
const NODE_TYPES = { thing: ThingBox };

/** The same as long as nothing has changed in it: a drawing is laid out once. */
const together = (views: readonly UseQueryResult<Lineage>[]) => {
  const failed = views.find(({ error }) => error !== null);
  return {
    loaded: views.flatMap(({ data }) => data ?? []),
    pending: views.slice(0, 2).some(({ isPending }) => isPending),
    failed: failed === undefined ? null : { error: failed.error, again: (): void => void failed.refetch() },
  };
};

/**
 * The graph around a thing. From any other thing in it one can go on: what that one came from and went into is added to
 * the picture.
 */
export function LineageGraph({ tenant, root }: { readonly tenant: string; readonly root: LineageRoot }) {
  const { t } = useTranslation();
  const client = useClient();
  const colors = useComputedColorScheme('light');
  const [walked, setWalked] = useState<readonly Omit<LineageRoot, 'label'>[]>([root]);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const { loaded, failed, pending } = useQueries({
    queries: walked.flatMap((from) => [lineageQuery(client, tenant, from, 'ancestors'), lineageQuery(client, tenant, from, 'descendants')]),
    combine: together,
  });
  const { nodes, edges } = useMemo(() => {
    const apart = new Set([...walked.map(keyOf), ...opened]);
    const drawing = drawLineage(loaded, [{ ...root, deleted: false }], apart);
    return lay(drawing, keyOf(root), new Set(walked.map(keyOf)));
  }, [loaded, walked, opened, root]);
  const walk = useMemo<Walk>(
    () => ({
      tenant,
      onWalk: ({ kind, id }) => setWalked((before) => [...before, { kind, id }]),
      onOpen: ({ key }) => setOpened((before) => new Set([...before, key])),
    }),
    [tenant],
  );

  if (failed !== null) return <ErrorPanel error={failed.error} onRetry={failed.again} />;
  if (pending) return <Skeleton h={420} />;
  return (
    <WalkContext.Provider value={walk}>
      <div className={classes['frame']} role="figure" aria-label={t('lineage.figure', { name: root.label })}>
        <ReactFlow
          key={nodes.length}
          nodes={nodes}
          edges={edges}
          nodeTypes={NODE_TYPES}
          colorMode={colors}
          fitView
          fitViewOptions={{ maxZoom: 1, padding: 0.12 }}
          minZoom={0.1}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          preventScrolling={false}
          zoomOnScroll={false}
          ariaLabelConfig={{
            'controls.ariaLabel': t('lineage.controls'),
            'controls.zoomIn.ariaLabel': t('lineage.zoomIn'),
            'controls.zoomOut.ariaLabel': t('lineage.zoomOut'),
            'controls.fitView.ariaLabel': t('lineage.fitView'),
          }}
        >
          <Background />
          <Controls showInteractive={false} />
        </ReactFlow>
      </div>
      <Group justify="space-between" mt={6}>
        <Text size="xs" c="dimmed">
          {nodes.length === 1 ? t('lineage.alone') : t('lineage.howTo')}
        </Text>
        {(walked.length > 1 || opened.size > 0) && (
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => {
              setWalked([root]);
              setOpened(new Set());
            }}
          >
            {t('lineage.reset')}
          </Button>
        )}
      </Group>
      {loaded.some(({ truncated }) => truncated) && (
        <Alert color="yellow" variant="light" mt="sm">
          {t('lineage.truncated')}
        </Alert>
      )}
    </WalkContext.Provider>
  );
}

function lay(drawing: Drawing, here: string, walked: ReadonlySet<string>): { readonly nodes: ThingNode[]; readonly edges: Edge[] } {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 70 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { key } of drawing.nodes) graph.setNode(key, { ...NODE });
  for (const { from, to } of drawing.edges) graph.setEdge(from, to);
  dagre.layout(graph);
  return {
    nodes: drawing.nodes.map((thing) => {
      const { x = 0, y = 0 } = graph.node(thing.key) as { x?: number; y?: number };
      return {
        id: thing.key,
        type: 'thing',
        position: { x: x - NODE.width / 2, y: y - NODE.height / 2 },
        ...NODE,
        sourcePosition: Position.Right,
        targetPosition: Position.Left,
        data: { thing, here: thing.key === here, walked: walked.has(thing.key) },
      };
    }),
    edges: drawing.edges.map(({ key, from, to }) => ({ id: key, source: from, target: to })),
  };
}

function ThingBox({ data: { thing, here, walked } }: NodeProps<ThingNode>) {
  const { t, i18n } = useTranslation();
  const walk = useContext(WalkContext);
  const Icon = KIND_ICONS[thing.kind];
  const page = walk === null ? null : pageOfThing(walk.tenant, thing);
  const group = thing.amount > 1;
  return (
    <div className={classes['thing']} data-here={here || undefined} data-kind={thing.kind}>
      <Handle type="target" position={Position.Left} className={classes['handle'] ?? ''} isConnectable={false} />
      <Icon size={20} stroke={1.6} aria-hidden className={classes['icon']} />
      <div className={classes['text']}>
        <Text size="xs" c="dimmed" lh={1.3}>
          {t(`lineage.kind.${thing.kind}`)}
          {thing.deleted && ` · ${t('lineage.deleted')}`}
        </Text>
        {group ? (
          <UnstyledButton className={`${classes['name']} nopan`} onClick={() => walk?.onOpen(thing)}>
            {t('lineage.group', { amount: formatNumber(thing.amount, i18n.language) })}
          </UnstyledButton>
        ) : page !== null && !here ? (
          <Link className={`${classes['name']} nopan`} to={page} title={thing.label}>
            {thing.label}
          </Link>
        ) : (
          <span className={classes['name']} data-deleted={thing.deleted || undefined} title={thing.label}>
            {thing.label}
          </span>
        )}
      </div>
      {!walked && (
        <Tooltip label={t(group ? 'lineage.openGroup' : 'lineage.walk')}>
          <UnstyledButton
            className={`${classes['walk']} nopan`}
            aria-label={`${t(group ? 'lineage.openGroup' : 'lineage.walk')}: ${thing.label}`}
            onClick={() => (group ? walk?.onOpen(thing) : walk?.onWalk(thing))}
          >
            {group ? <IconArrowsMaximize size={15} /> : <IconPointer size={15} />}
          </UnstyledButton>
        </Tooltip>
      )}
      <Handle type="source" position={Position.Right} className={classes['handle'] ?? ''} isConnectable={false} />
    </div>
  );
}
