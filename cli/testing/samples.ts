/** For tests: things in the contract's form. */
import type { z } from 'zod';
import type { Run } from '@sodate/contract/run-routes.ts';
import type { Me } from '@sodate/contract/session.ts';

export const id = (number: number): string => `0190a6c0-0000-7000-8000-${String(number).padStart(12, '0')}`;
export const person = { id: id(1), name: 'ann', displayName: 'Ann' };
export const at = '2026-01-01T00:00:00Z';
export const noMore = { nextCursor: null, total: { count: 1, exact: true } };

export const me: z.input<typeof Me> = {
  ...person,
  systemAdmin: false,
  hasPassword: true,
  language: null,
  tenants: [{ id: id(2), name: 'lab', displayName: 'Lab', role: 'member' }],
};

export const run: z.input<typeof Run> = {
  id: id(3),
  number: 12,
  kind: 'task',
  name: 'count',
  memo: '',
  tags: [],
  favourite: false,
  state: 'running',
  phase: null,
  exitCode: null,
  failure: null,
  outputValue: null,
  resources: { cpu: 1, memory: 1e9, gpus: 0 },
  partition: null,
  image: 'host',
  node: 'n1',
  attempt: 1,
  createdAt: at,
  createdBy: person,
  startedAt: at,
  endedAt: null,
  command: ['node', '-e', "console.log('a b')"],
  environment: {},
  timeLimitSeconds: null,
  priority: 0,
  warnings: [],
  warningWords: [],
  details: { kind: 'task' },
};

export const data = {
  id: id(4),
  number: 3,
  name: 'cats',
  memo: 'two\nlines',
  tags: ['a'],
  parent: null,
  fileCount: 2,
  totalSize: 1_500_000,
  createdAt: at,
  createdBy: person,
};
