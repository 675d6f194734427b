import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { AttemptId, RunId, TenantId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import { type ConformanceJob, describeExecutorConformance } from '../executor-conformance.ts';
import { EngineUnreachable, type Executor, isEngineUnreachable, isStartRefused, type LaunchSpec, type StageFolders } from '../executor.ts';
import { makeFakeEngine } from './fake-engine.ts';
import { type FaultPoint, makeFakeExecutor } from './fake-executor.ts';

function makeVirtualClock(): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = 0;
  const sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    now: () => new Date(nowMs),
    sleep: (ms) => new Promise((wake) => void sleepers.push({ atMs: nowMs + ms, wake })),
    async advance(ms) {
      nowMs += ms;
      for (const due of sleepers.filter(({ atMs }) => atMs <= nowMs)) {
        sleepers.splice(sleepers.indexOf(due), 1);
        due.wake();
      }
      await Promise.resolve();
    },
  };
}

const NODE = { name: 'fake-1', cpuMilli: 8000, memoryBytes: 2 ** 35, gpus: [{ id: 'GPU-0', model: 'Fake', memoryBytes: 2 ** 34 }], problem: null };

const makeSpec = ({ command, fake = {}, environment = {}, limits = {}, image = 'host' }: ConformanceJob): LaunchSpec => ({
  attempt: AttemptId.parse(randomUUID()),
  run: RunId.parse(randomUUID()),
  tenant: TenantId.parse(randomUUID()),
  tenantNumber: 1,
  name: 'task-1',
  node: NODE.name,
  image,
  registryCredential: null,
  command,
  environment: { ...environment, ...fake },
  workingDirectory: '/kqi/tmp',
  limits: { cpuMilli: 1000, memoryBytes: 2 ** 28, pids: 100, ...limits },
  capabilities: 'usual',
  gpus: [],
  stagePlan: { items: [] },
  mounts: [],
});

function setUp(faults?: (point: FaultPoint) => void) {
  const clock = makeVirtualClock();
  const engine = makeFakeEngine({ clock, nodes: [NODE] });
  const staged = new Set<string>();
  const stage: StageFolders = {
    async realise(attempt) {
      staged.add(attempt);
      return { folders: new Map(), logFile: '/dev/null' };
    },
    async discard(attempt) {
      staged.delete(attempt);
    },
  };
  const open = (platform = 'one'): Executor => makeFakeExecutor({ id: 'fake', engine, platform, stage, ...(faults && { faults }) });
  return { clock, engine, staged, open };
}

describeExecutorConformance(
  'fake',
  async () => {
    const { clock, engine, staged, open } = setUp();
    return {
      open: async () => open(),
      openOther: async () => open('two'),
      spec: makeSpec,
      log: async () => Buffer.alloc(0),
      output: async () => null,
      timesRun: async (attempt) => engine.timesStarted(attempt),
      vanish: async (attempt) => engine.vanish(attempt),
      traces: async (attempt) => [...(staged.has(attempt) ? ['stage'] : []), ...(engine.live().some((spec) => spec.attempt === attempt) ? ['process'] : [])],
      wait: () => clock.advance(10),
      setReachable: (reachable) => void (engine.reachable = reachable),
      close: async () => {},
    };
  },
  { processes: 'the fake runs no processes' },
);

const signal = new AbortController().signal;
const job = (fake: Record<string, string>): ConformanceJob => ({ command: { kind: 'list', argv: ['true'] }, fake });

it('runs for the virtual time its environment says, through its phases', async () => {
  const { clock, open } = setUp();
  const executor = open();
  const handle = await executor.start(makeSpec(job({ FAKE_PENDING_MS: '100', FAKE_RUN_MS: '50', FAKE_EXIT_CODE: '2' })), signal);
  await clock.advance(25);
  expect(await executor.observe(handle)).toEqual({ state: 'pending', phase: 'pulling', progress: 0.25 });
  await clock.advance(75);
  expect(await executor.observe(handle)).toEqual({ state: 'running' });
  await clock.advance(1000);
  expect(await executor.observe(handle)).toEqual({
    state: 'exited',
    exit: { code: 2, signal: null, failure: null, startedAt: new Date(100), endedAt: new Date(150) },
  });
});

it('vanishes and refuses when told to', async () => {
  const { open, staged } = setUp();
  const executor = open();
  expect(await executor.observe(await executor.start(makeSpec(job({ FAKE_VANISH: '1' })), signal))).toMatchObject({ state: 'gone' });
  const refused = executor.start(makeSpec(job({ FAKE_REFUSE: 'image-pull' })), signal);
  await expect(refused).rejects.toSatisfy((error) => isStartRefused(error) && error.failureClass === 'image-pull');
  expect(staged.size).toBe(1);
});

it('a fault before the effect has none, a fault after it loses the answer only', async () => {
  let armed: FaultPoint | null = null;
  const { open, engine } = setUp((point) => {
    if (point === armed) throw new EngineUnreachable('crash');
  });
  const spec = makeSpec(job({ FAKE_RUN_MS: 'forever' }));
  for (const [point, started] of [
    ['start:before', 0],
    ['start:staged', 0],
    ['start:after', 1],
  ] as const) {
    armed = point;
    await expect(open().start(spec, signal)).rejects.toSatisfy(isEngineUnreachable);
    expect(engine.timesStarted(spec.attempt)).toBe(started);
  }
  armed = null;
  await open().start(spec, signal);
  expect(engine.timesStarted(spec.attempt)).toBe(1);
  expect(engine.live().map(({ attempt }) => attempt)).toEqual([spec.attempt]);
});
