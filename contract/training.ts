import { z } from 'zod';
import { ThingRef } from './ids.ts';
import { GIT_READ_ERRORS, GitSource, ResolvedGitSource } from './git.ts';
import { defineRoute } from './route.ts';
import { RunSubmission, RunSummary } from './runs.ts';
import { TenantParams } from './tenants.ts';

/** Reference to a run of a known kind: id, number, or kind and number. */
export const ParentRef = z.union([ThingRef, z.string().regex(/^[a-z]+-[1-9][0-9]{0,14}$/)], {
  error: 'must be an id (UUID), a number, or kind and number such as training-12',
});

export const TrainingRequest = RunSubmission.extend({
  dataset: ThingRef,
  git: GitSource,
  /** Earlier trainings whose output this one sees under /kqi/parent. */
  parents: z.array(ParentRef).max(100).default([]),
});
export type TrainingRequest = z.infer<typeof TrainingRequest>;

export const RunReference = z.object({ id: z.uuid(), kind: z.string(), number: z.number().int(), name: z.string() });

export const TrainingDetails = z.object({
  kind: z.literal('training'),
  dataset: z.object({ id: z.uuid(), number: z.number().int(), name: z.string() }),
  git: ResolvedGitSource,
  parents: z.array(RunReference),
});

export const startTraining = defineRoute({
  id: 'training.start',
  method: 'POST',
  path: '/v1/tenants/{tenant}/trainings',
  permission: 'tenant-member',
  summary: 'Submit a training: data set and code in, model out',
  params: TenantParams,
  body: TrainingRequest,
  response: RunSummary,
  status: 201,
  errors: ['git-revision-not-found', ...GIT_READ_ERRORS, 'image-not-supported', 'partition-unknown', 'over-quota', 'parent-not-usable'],
  idempotent: true,
});

export const trainingRoutes = [startTraining];
