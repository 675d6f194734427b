import { taskJob } from '#runs/container-contract/task-job.ts';
import type { RunKind } from '#runs/run-kind.ts';
import { Command } from '@sodate/contract/runs.ts';
import { z } from 'zod';

export const StoredTask = z.object({ command: Command, environment: z.record(z.string(), z.string()) });
export type StoredTask = z.infer<typeof StoredTask>;

export const taskKind: RunKind<StoredTask> = {
  name: 'task',
  requestSchema: StoredTask,
  toJob: ({ id, request }, platform) => taskJob({ ...request, run: id }, platform),
  finish: async () => ({ outputValue: null }),
  details: async () => ({ kind: 'task' }),
};
