import { toJobCommand } from '#runs/container-contract/job-command.ts';
import { mlflowVariables } from '#runs/container-contract/mlflow-variables.ts';
import type { Job, JobSurroundings } from '#runs/run-kind.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import type { Command } from '@sodate/contract/runs.ts';

export const ARTIFACT_FOLDER = '/opt/artifact';

/** What a bounded container task sees: its id and the folder whose content is kept. */
export function taskJob(
  parts: { readonly run: RunId; readonly command: Command; readonly environment: Readonly<Record<string, string>> },
  platform: JobSurroundings,
): Job {
  return {
    command: toJobCommand(parts.command),
    workingDirectory: '/kqi/tmp',
    stagePlan: {
      items: [
        { name: 'output', kind: 'run-folder', run: parts.run, folder: 'output' },
        { name: 'tmp', kind: 'scratch' },
      ],
    },
    mounts: [
      { item: 'output', target: ARTIFACT_FOLDER, readOnly: false },
      { item: 'tmp', target: '/kqi/tmp', readOnly: false },
    ],
    environment: {
      LANG: 'C.UTF-8',
      ...mlflowVariables(parts, platform),
      ...parts.environment,
      SAKURA_TASK_ID: parts.run,
      SAKURA_ARTIFACT_DIR: ARTIFACT_FOLDER,
      ...(platform.gpus.length === 0 ? { NVIDIA_VISIBLE_DEVICES: 'none' } : {}),
    },
  };
}
