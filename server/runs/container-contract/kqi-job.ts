import type { Mount, StageItem } from '#executors/executor.ts';
import type { Job, JobSurroundings } from '#runs/run-kind.ts';
import type { ResolvedGitSource } from '@sodate/contract/git.ts';
import type { Command, RunKindName } from '@sodate/contract/runs.ts';
import type { DatasetId, RunId } from '@sodate/contract/ids.ts';
import { toJobCommand } from '#runs/container-contract/job-command.ts';
import { mlflowVariables } from '#runs/container-contract/mlflow-variables.ts';

/** A run whose output another one sees. */
export interface ParentRun {
  readonly id: RunId;
  readonly number: number;
}

export interface KqiJobParts {
  readonly kind: RunKindName;
  readonly run: RunId;
  readonly number: number;
  readonly command: Command;
  readonly environment: Readonly<Record<string, string>>;
  readonly dataset: { readonly id: DatasetId; readonly number: number };
  readonly git: ResolvedGitSource;
  /** Seen under /kqi/parent. */
  readonly parents: readonly ParentRun[];
  /** Seen under /kqi/inference. */
  readonly inferences: readonly ParentRun[];
}

/**
 * The folders and variables that a job of KAMONOHASHI's kinds sees. Existing entry points rely on these names and values:
 * one parent lies directly in /kqi/parent, several under their numbers; numbers, not ids, everywhere.
 */
export function kqiJob(parts: KqiJobParts, platform: JobSurroundings): Job {
  const items: StageItem[] = [
    { name: 'git', kind: 'checkout', endpoint: parts.git.endpoint.id, repository: parts.git.repository, commit: parts.git.commit },
    { name: 'dataset', kind: 'dataset', dataset: parts.dataset.id },
    { name: 'output', kind: 'run-folder', run: parts.run, folder: 'output' },
    { name: 'attach', kind: 'run-folder', run: parts.run, folder: 'attach' },
    { name: 'tmp', kind: 'scratch' },
    ...[...parts.parents, ...parts.inferences].map((parent): StageItem => ({ name: parentItem(parent), kind: 'run-folder', run: parent.id, folder: 'output' })),
  ];
  const mounts: Mount[] = [
    { item: 'git', target: '/kqi/git', readOnly: false },
    { item: 'dataset', subfolder: 'input', target: '/kqi/input', readOnly: true },
    { item: 'dataset', subfolder: 'raw', target: '/kqi/raw', readOnly: true },
    { item: 'output', target: '/kqi/output', readOnly: false },
    { item: 'attach', target: '/kqi/attach', readOnly: false },
    { item: 'tmp', target: '/kqi/tmp', readOnly: false },
    ...parts.parents.map((parent): Mount => ({
      item: parentItem(parent),
      target: parts.parents.length === 1 ? '/kqi/parent' : `/kqi/parent/${parent.number}`,
      readOnly: true,
    })),
    ...parts.inferences.map((inference): Mount => ({ item: parentItem(inference), target: `/kqi/inference/${inference.number}`, readOnly: true })),
  ];
  return {
    command: toJobCommand(parts.command),
    workingDirectory: '/kqi/git',
    stagePlan: { items },
    mounts,
    environment: { COLUMNS: '200', ...mlflowVariables(parts, platform), ...parts.environment, ...reserved(parts, platform) },
  };
}

const parentItem = (parent: ParentRun): string => `parent ${parent.id}`;

/** Variables a submitter cannot override. */
function reserved(parts: KqiJobParts, platform: JobSurroundings): Record<string, string> {
  const url = `${parts.git.endpoint.name}/${parts.git.repository}`;
  return {
    [`${parts.kind.toUpperCase()}_ID`]: String(parts.number),
    DATASET_ID: String(parts.dataset.number),
    PARENT_ID: parts.parents.map(({ number }) => number).join(','),
    MODEL_REPOSITORY: url,
    MODEL_REPOSITORY_URL: url,
    MODEL_REPOSITORY_TOKEN: '',
    COMMIT_ID: parts.git.commit,
    ENTRY_POINT: typeof parts.command === 'string' ? parts.command : parts.command.join(' '),
    KQI_SERVER: platform.serverUrl,
    KQI_TOKEN: platform.token,
    KQI_VERSION: platform.version,
    PYTHONUNBUFFERED: 'true',
    LC_ALL: 'C.UTF-8',
    LANG: 'C.UTF-8',
    ZIP_FILE_CREATED: 'False',
    LOCAL_DATASET: 'False',
    ...(platform.gpus.length === 0 ? { NVIDIA_VISIBLE_DEVICES: 'none' } : {}),
  };
}
