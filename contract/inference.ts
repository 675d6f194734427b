import { z } from 'zod';
import { ThingRef } from './ids.ts';
import { GIT_READ_ERRORS, GitSource, ResolvedGitSource } from './git.ts';
import { defineRoute } from './route.ts';
import { RunSubmission, RunSummary } from './runs.ts';
import { TenantParams } from './tenants.ts';
import { ParentRef, RunReference } from './training.ts';

export const InferenceRequest = RunSubmission.extend({
  dataset: ThingRef,
  git: GitSource,
  /** Trainings whose output is seen under /kqi/parent. */
  parents: z.array(ParentRef).max(100).default([]),
  /** Inferences whose output is seen under /kqi/inference/{number}. */
  parentInferences: z.array(ParentRef).max(100).default([]),
});
export type InferenceRequest = z.infer<typeof InferenceRequest>;

export const InferenceDetails = z.object({
  kind: z.literal('inference'),
  dataset: z.object({ id: z.uuid(), number: z.number().int(), name: z.string() }),
  git: ResolvedGitSource,
  parents: z.array(RunReference),
  parentInferences: z.array(RunReference),
});

export const startInference = defineRoute({
  id: 'inference.start',
  method: 'POST',
  path: '/v1/tenants/{tenant}/inferences',
  permission: 'tenant-member',
  summary: 'Submit an inference on what trainings made; the text it writes to /kqi/output/value.txt becomes its value',
  params: TenantParams,
  body: InferenceRequest,
  response: RunSummary,
  status: 201,
  errors: ['git-revision-not-found', ...GIT_READ_ERRORS, 'image-not-supported', 'partition-unknown', 'over-quota', 'parent-not-usable'],
  idempotent: true,
});

export const inferenceRoutes = [startInference];
