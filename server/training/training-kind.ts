import { findDataset } from '#datasets/datasets.ts';
import { kqiJob } from '#runs/container-contract/kqi-job.ts';
import type { RunKind } from '#runs/run-kind.ts';
import { showReferences } from '#runs/runs.ts';
import { ResolvedGitSource } from '@sodate/contract/git.ts';
import { DatasetId, RunId } from '@sodate/contract/ids.ts';
import { Command } from '@sodate/contract/runs.ts';
import { z } from 'zod';

/** A training as stored: names resolved to ids and numbers, the branch to a commit. */
export const StoredTraining = z.object({
  command: Command,
  environment: z.record(z.string(), z.string()),
  dataset: z.object({ id: DatasetId, number: z.number() }),
  git: ResolvedGitSource,
  parents: z.array(z.object({ id: RunId, number: z.number() })),
});
export type StoredTraining = z.infer<typeof StoredTraining>;

export const trainingKind: RunKind<StoredTraining> = {
  name: 'training',
  requestSchema: StoredTraining,
  toJob: ({ id, number, request }, platform) => kqiJob({ ...request, kind: 'training', run: id, number, inferences: [] }, platform),
  finish: async () => ({ outputValue: null }),
  details: async (db, { tenant, request }) => ({
    kind: 'training',
    dataset: await findDataset(db, tenant, request.dataset.id),
    git: request.git,
    parents: await showReferences(
      db,
      tenant,
      request.parents.map(({ id }) => id),
    ),
  }),
};
