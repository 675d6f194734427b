import { findDataset } from '#datasets/datasets.ts';
import type { Git } from '#git/git.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { TenantContext } from '#kit/http/access.ts';
import { codeOrigin, datasetOrigin, parentOrigin } from '#runs/run-ancestry.ts';
import { findParents, type Runs } from '#runs/runs.ts';
import type { StoredTraining } from '#training/training-kind.ts';
import type { RunId, UserId } from '@sodate/contract/ids.ts';
import type { TrainingRequest } from '@sodate/contract/training.ts';

export interface TrainingParts {
  readonly db: Database;
  readonly git: Git;
  readonly runs: Runs;
}

/** Resolves what a training names (data set, commit, parents) and queues it. From here on nothing it uses can change. */
export async function startTraining(
  parts: TrainingParts,
  ask: { readonly tenant: TenantContext; readonly user: UserId; readonly id: RunId; readonly request: TrainingRequest },
) {
  const { db } = parts;
  const { tenant } = ask;
  const { dataset: datasetRef, git: source, parents: parentRefs, ...submission } = ask.request;
  const dataset = await findDataset(db, tenant.id, datasetRef);
  const parents = await findParents(db, tenant.id, parentRefs, 'training');
  const git = await parts.git.resolveSource(source, { tenant: tenant.id, user: ask.user });
  const request: StoredTraining = {
    command: submission.command,
    environment: submission.environment,
    dataset: { id: dataset.id, number: dataset.number },
    git,
    parents: parents.map(({ id, number }) => ({ id, number })),
  };
  return parts.runs.submit({
    ...ask,
    kind: 'training',
    submission,
    prepared: {
      request,
      dataset: dataset.id,
      parents: parents.map(({ id }) => id),
      ancestry: [datasetOrigin(dataset), codeOrigin(git), ...parents.map(parentOrigin)],
    },
  });
}
