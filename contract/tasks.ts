import { z } from 'zod';
import { defineRoute } from './route.ts';
import { RunSubmission, RunSummary } from './runs.ts';
import { TenantParams } from './tenants.ts';

/** A bare task: a command in an image, with environment, exit code and log. What it writes to /opt/artifact is its output. */
export const TaskRequest = RunSubmission;
export type TaskRequest = z.infer<typeof TaskRequest>;

export const TaskDetails = z.object({ kind: z.literal('task') });

export const startTask = defineRoute({
  id: 'task.start',
  method: 'POST',
  path: '/v1/tenants/{tenant}/tasks',
  permission: 'tenant-member',
  summary: 'Submit a task',
  params: TenantParams,
  body: TaskRequest,
  response: RunSummary,
  status: 201,
  errors: ['image-not-supported', 'partition-unknown', 'over-quota'],
  idempotent: true,
});

export const taskRoutes = [startTask];
