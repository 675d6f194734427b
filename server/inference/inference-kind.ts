import { findDataset } from '#datasets/datasets.ts';
import { kqiJob } from '#runs/container-contract/kqi-job.ts';
import type { RunKind } from '#runs/run-kind.ts';
import { showReferences } from '#runs/runs.ts';
import { ResolvedGitSource } from '@sodate/contract/git.ts';
import { DatasetId, RunId } from '@sodate/contract/ids.ts';
import { Command } from '@sodate/contract/runs.ts';
import { z } from 'zod';

/** Where an inference writes its result in one line. */
const VALUE_FILE = 'value.txt';
const VALUE_BYTES = 40_000;

const StoredParent = z.object({ id: RunId, number: z.number() });

/** An inference as stored: names resolved to ids and numbers, the branch to a commit. */
export const StoredInference = z.object({
  command: Command,
  environment: z.record(z.string(), z.string()),
  dataset: z.object({ id: DatasetId, number: z.number() }),
  git: ResolvedGitSource,
  parents: z.array(StoredParent),
  inferences: z.array(StoredParent),
});
export type StoredInference = z.infer<typeof StoredInference>;

export const inferenceKind: RunKind<StoredInference> = {
  name: 'inference',
  requestSchema: StoredInference,
  toJob: ({ id, number, request }, platform) => kqiJob({ ...request, kind: 'inference', run: id, number }, platform),
  async finish(_run, _outcome, output) {
    const text = await output.readText(VALUE_FILE, VALUE_BYTES);
    return { outputValue: text === null ? null : text.trimEnd() };
  },
  details: async (db, { tenant, request }) => ({
    kind: 'inference',
    dataset: await findDataset(db, tenant, request.dataset.id),
    git: request.git,
    parents: await showReferences(
      db,
      tenant,
      request.parents.map(({ id }) => id),
    ),
    parentInferences: await showReferences(
      db,
      tenant,
      request.inferences.map(({ id }) => id),
    ),
  }),
};
