import { z } from 'zod';
import { AttemptId } from '@sodate/contract/ids.ts';
import { type Capabilities, type Executor, isStartRefused, type StageFolders, StartRefused } from '../executor.ts';
import type { FakeEngine } from './fake-engine.ts';
import { runWords } from '@sodate/contract/run-words.ts';

export const FakeHandle = z.object({ attempt: AttemptId });
export type FakeHandle = z.infer<typeof FakeHandle>;

type PortCall = 'inventory' | 'start' | 'observe' | 'stop' | 'remove' | 'list';
/** Before a call has had any effect, and after its effect but before its answer. */
export type FaultPoint = `${PortCall}:${'before' | 'after'}` | 'start:staged';

export interface FakeExecutorOptions {
  readonly id: string;
  readonly engine: FakeEngine;
  /** The installation: `list` answers its attempts only. */
  readonly platform: string;
  readonly stage?: StageFolders;
  readonly images?: Capabilities['images'];
  /** Runs at each point of each call. Throwing simulates a crash there, waiting lets something else happen there. */
  readonly faults?: (point: FaultPoint, attempt: AttemptId | null) => void | Promise<void>;
}

/**
 * An executor for simulations: deterministic, in memory, on a clock that is passed in. It keeps the port's promises like
 * the real ones and never runs anything. A simulation that drops it in a crash calls `close`, which ends its hints.
 */
export function makeFakeExecutor({ id, engine, platform, stage, images = ['host'], faults }: FakeExecutorOptions): Executor<FakeHandle> {
  const unsubscribers = new Set<() => void>();

  const call = async <T>(name: PortCall, attempt: AttemptId | null, effect: () => T | Promise<T>): Promise<T> => {
    await faults?.(`${name}:before`, attempt);
    engine.assertReachable();
    const answer = await effect();
    await faults?.(`${name}:after`, attempt);
    return answer;
  };

  return {
    id,
    capabilities: { images, log: 'file', isolation: 'sandbox', enforces: { cpu: true, memory: true, pids: true }, platformHost: null },
    handleSchema: FakeHandle,
    inventory: () => call('inventory', null, () => ({ nodes: engine.nodes })),
    start: (spec, signal) =>
      call('start', spec.attempt, async () => {
        signal.throwIfAborted();
        const handle = { attempt: spec.attempt };
        if (engine.has(platform, spec.attempt)) return handle;
        if (images !== 'any' && !images.includes(spec.image)) {
          throw new StartRefused('user-error', runWords('fake-image', { image: spec.image, available: images.join(', ') }));
        }
        const script = engine.scriptOf(spec);
        if (script.refuses !== null) throw new StartRefused(script.refuses, runWords('fake-refuses', { failure: script.refuses }));
        try {
          await stage?.realise(spec.attempt, spec.run, spec.stagePlan, { jobUser: null, copyInputs: false }, signal);
        } catch (error) {
          if (isStartRefused(error)) await stage?.discard(spec.attempt);
          throw error;
        }
        await faults?.('start:staged', spec.attempt);
        signal.throwIfAborted();
        engine.assertReachable();
        // Asked again without a wait before `create`: another caller may have created it during the staging.
        if (!engine.has(platform, spec.attempt)) engine.create(platform, spec, script);
        return handle;
      }),
    observe: ({ attempt }) => call('observe', attempt, () => engine.observe(platform, attempt)),
    stop: ({ attempt }, order) => call('stop', attempt, () => engine.stop(platform, attempt, order)),
    remove: ({ attempt }) =>
      call('remove', attempt, async () => {
        engine.delete(platform, attempt);
        await stage?.discard(attempt);
      }),
    list: () => call('list', null, () => engine.known(platform).map((attempt) => ({ attempt, handle: { attempt } }))),
    onChange(listener) {
      const unsubscribe = engine.subscribe((attempt) => {
        if (engine.has(platform, attempt)) listener(attempt);
      });
      unsubscribers.add(unsubscribe);
      return unsubscribe;
    },
    async close() {
      for (const unsubscribe of unsubscribers) unsubscribe();
    },
  };
}
