import type { JobSurroundings } from '#runs/run-kind.ts';
import type { RunId } from '@sodate/contract/ids.ts';

const TRACKING_ADDRESS = 'MLFLOW_TRACKING_URI';

/**
 * What makes code that was written for MLflow log to the very run that it is. A submitter's own variables go before these,
 * and one who names another tracking server is told nothing of ours: its run is none of that server's, and our token is
 * none of its business.
 */
export function mlflowVariables(
  parts: { readonly run: RunId; readonly environment: Readonly<Record<string, string>> },
  platform: Pick<JobSurroundings, 'serverUrl' | 'token'>,
): Record<string, string> {
  if (TRACKING_ADDRESS in parts.environment) return {};
  return {
    [TRACKING_ADDRESS]: platform.serverUrl,
    MLFLOW_TRACKING_TOKEN: platform.token,
    MLFLOW_RUN_ID: parts.run,
    ...('MLFLOW_EXPERIMENT_NAME' in parts.environment ? {} : { MLFLOW_EXPERIMENT_ID: '0' }),
  };
}
