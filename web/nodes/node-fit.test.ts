import { Node } from '@sodate/contract/nodes.ts';
import { describe, expect, it } from 'vitest';
import { type Asked, fitOf } from './node-fit.ts';

const node = (change: Partial<Node> = {}): Node => ({
  ...Node.parse({
    id: '019a0000-0000-7000-8000-000000000001',
    number: 1,
    name: 'node-1',
    partition: null,
    enabled: true,
    problem: null,
    executors: [
      { id: 'local', isolation: 'sandbox', images: ['host'] },
      { id: 'docker', isolation: 'container', images: 'any' },
    ],
    capacity: { cpu: 8, memory: 16e9, gpus: 1 },
    used: { cpu: 6, memory: 2e9, gpus: 1 },
    seenAt: '2026-01-01T00:00:00Z',
  }),
  ...change,
});
const asked = (change: Partial<Asked> = {}): Asked => ({
  resources: { cpu: 1, memory: 1e9, gpus: 0 },
  image: 'host',
  partition: null,
  executors: null,
  ...change,
});

describe('whether a node fits', () => {
  it.each([
    ['what is free', asked(), node(), 'now'],
    ['what is in use', asked({ resources: { cpu: 4, memory: 1e9, gpus: 0 } }), node(), 'later'],
    ['a GPU that is in use', asked({ resources: { cpu: 1, memory: 1e9, gpus: 1 } }), node(), 'later'],
    ['more than there is', asked({ resources: { cpu: 9, memory: 1e9, gpus: 0 } }), node(), 'small'],
    ['another partition', asked({ partition: 'gpu' }), node(), 'unsuited'],
    ['its partition', asked({ partition: 'gpu' }), node({ partition: 'gpu' }), 'now'],
    ['a node out of service', asked(), node({ enabled: false }), 'unsuited'],
    ['a node in trouble', asked(), node({ problem: 'no answer' }), 'unsuited'],
    ['an image in containers', asked({ image: 'acme/model:1' }), node(), 'now'],
    ['an image the tenant may not run', asked({ image: 'acme/model:1', executors: ['local'] }), node(), 'unsuited'],
    ['the machine itself where only containers may be', asked({ executors: ['docker'] }), node(), 'unsuited'],
  ] as const)('%s', (_what, wish, machine, expected) => {
    expect(fitOf(machine, wish)).toBe(expected);
  });
});
