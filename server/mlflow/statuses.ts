import type { RunStatus } from '@sodate/contract/mlflow.ts';
import type { RunState } from '@sodate/contract/runs.ts';

/** Our states in MLflow's words. A job's outputs are still being collected while it is `finishing`. */
export const STATUS_OF: Readonly<Record<RunState, RunStatus>> = {
  queued: 'SCHEDULED',
  starting: 'SCHEDULED',
  running: 'RUNNING',
  stopping: 'RUNNING',
  finishing: 'RUNNING',
  succeeded: 'FINISHED',
  failed: 'FAILED',
  cancelled: 'KILLED',
};

/** What a client that says so wants of its run; null: that it goes on. */
export const END_OF: Readonly<Record<RunStatus, 'succeeded' | 'failed' | 'cancelled' | null>> = {
  RUNNING: null,
  SCHEDULED: null,
  FINISHED: 'succeeded',
  FAILED: 'failed',
  KILLED: 'cancelled',
};

export const statesOf = (matches: (status: RunStatus) => boolean): readonly RunState[] =>
  (Object.keys(STATUS_OF) as RunState[]).filter((state) => matches(STATUS_OF[state]));
