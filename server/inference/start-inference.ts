import { findDataset } from '#datasets/datasets.ts';
import type { Git } from '#git/git.ts';
import type { StoredInference } from '#inference/inference-kind.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { TenantContext } from '#kit/http/access.ts';
import { codeOrigin, datasetOrigin, parentOrigin } from '#runs/run-ancestry.ts';
import { findParents, type Runs } from '#runs/runs.ts';
import type { InferenceRequest } from '@sodate/contract/inference.ts';
import type { RunId, UserId } from '@sodate/contract/ids.ts';

export interface InferenceParts {
  readonly db: Database;
  readonly git: Git;
  readonly runs: Runs;
}

/** Resolves what an inference names (data set, commit, trainings, inferences) and queues it. */
export async function startInference(
  parts: InferenceParts,
  ask: { readonly tenant: TenantContext; readonly user: UserId; readonly id: RunId; readonly request: InferenceRequest },
) {
  const { db } = parts;
  const { tenant } = ask;
  const { dataset: datasetRef, git: source, parents: parentRefs, parentInferences: inferenceRefs, ...submission } = ask.request;
  const dataset = await findDataset(db, tenant.id, datasetRef);
  const parents = await findParents(db, tenant.id, parentRefs, 'training');
  const inferences = await findParents(db, tenant.id, inferenceRefs, 'inference');
  const git = await parts.git.resolveSource(source, { tenant: tenant.id, user: ask.user });
  const request: StoredInference = {
    command: submission.command,
    environment: submission.environment,
    dataset: { id: dataset.id, number: dataset.number },
    git,
    parents: parents.map(({ id, number }) => ({ id, number })),
    inferences: inferences.map(({ id, number }) => ({ id, number })),
  };
  const ancestors = [...parents, ...inferences];
  return parts.runs.submit({
    ...ask,
    kind: 'inference',
    submission,
    prepared: {
      request,
      dataset: dataset.id,
      parents: ancestors.map(({ id }) => id),
      ancestry: [datasetOrigin(dataset), codeOrigin(git), ...ancestors.map(parentOrigin)],
    },
  });
}
