import { makeFakeEngine } from '#executors/fake/fake-engine.ts';
import { makeFakeExecutor } from '#executors/fake/fake-executor.ts';
import type { Capabilities, Executor, InventoryNode } from '#executors/executor.ts';
import { systemClock } from '#kit/clock.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { readPlacementNodes, recordInventory } from '#nodes/nodes.ts';
import { beforeEach, describe, expect, it } from 'vitest';

const now = new Date('2030-01-01T00:00:00Z');
const GPU = { id: 'GPU-1', model: 'A100', memoryBytes: 80e9 };

describe('the inventory', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  beforeEach(async () => {
    await db().deleteFrom('nodes').execute();
  });

  const machine = (more: Partial<InventoryNode> = {}): InventoryNode => ({
    name: 'here',
    cpuMilli: 8000,
    memoryBytes: 32e9,
    gpus: [],
    problem: null,
    ...more,
  });
  const executorOn = (
    id: string,
    images: Capabilities['images'],
    ...nodes: readonly InventoryNode[]
  ): { executor: Executor; engine: { reachable: boolean } } => {
    const engine = makeFakeEngine({ clock: systemClock, nodes });
    return { engine, executor: makeFakeExecutor({ id, engine, platform: 'test', images }) as unknown as Executor };
  };

  it('counts a machine once, however many executors run on it, and as large as the smaller of what they say', async () => {
    const local = executorOn('local', ['host'], machine({ cpuMilli: 4000, gpus: [GPU] }));
    const docker = executorOn('docker', 'any', machine({ memoryBytes: 16e9, gpus: [GPU] }));
    await recordInventory(db(), [local.executor, docker.executor], now);
    await recordInventory(db(), [docker.executor, local.executor], now);
    expect(await readPlacementNodes(db(), now)).toMatchObject([
      {
        open: true,
        capacity: { cpuMilli: 4000, memoryBytes: 16e9, gpus: 1 },
        freeGpus: ['GPU-1'],
        executors: [
          { id: 'docker', images: 'any' },
          { id: 'local', images: ['host'] },
        ],
      },
    ]);
  });

  it('leaves out an executor that has a problem or does not answer, and keeps the others', async () => {
    const local = executorOn('local', ['host'], machine());
    const docker = executorOn('docker', 'any', machine());
    const both = [local.executor, docker.executor];
    await recordInventory(db(), both, now);
    docker.engine.reachable = false;
    await recordInventory(db(), both, now);
    expect((await readPlacementNodes(db(), now))[0]?.executors.map(({ id }) => id)).toEqual(['local']);
    docker.engine.reachable = true;
    await recordInventory(db(), both, now);
    expect((await readPlacementNodes(db(), now))[0]?.executors.map(({ id }) => id)).toEqual(['docker', 'local']);
    const full = executorOn('docker', 'any', machine({ problem: 'The disk is nearly full.' }));
    await recordInventory(db(), [local.executor, full.executor], now);
    expect((await readPlacementNodes(db(), now))[0]?.executors.map(({ id }) => id)).toEqual(['local']);
  });

  it('closes a node of which nothing was heard for a while', async () => {
    const { executor } = executorOn('local', ['host'], machine());
    await recordInventory(db(), [executor], now);
    expect((await readPlacementNodes(db(), new Date(now.getTime() + 59_000)))[0]?.open).toBe(true);
    expect((await readPlacementNodes(db(), new Date(now.getTime() + 61_000)))[0]?.open).toBe(false);
  });
});
