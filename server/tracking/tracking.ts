/**
 * Tracking: experiments, runs that go on outside of the platform and only report to it, and what is said of any run beside
 * its numbers (labels, inputs). Knows no wire and no product's words; `mlflow` speaks to it in MLflow's. Metrics and
 * parameters are the business of `metrics`.
 */
export {
  createExperiment,
  DEFAULT_EXPERIMENT,
  ensureDefaultExperiment,
  type Experiment,
  findExperiment,
  findExperimentByName,
  hideExperiment,
  readExperimentLabels,
  removeExperimentLabel,
  renameExperiment,
  setExperimentLabel,
} from './experiment-store.ts';
export { addRunInputs, readRunInputs, type RunInput } from './run-input-store.ts';
export { type Label, readRunLabels, removeRunLabel, setRunLabels } from './run-label-store.ts';
export { trackedKind } from './tracked-kind.ts';
export { beginTrackedRun, endAbandonedRuns, endTrackedRun, findTrackableRun, hideRun, putRunIntoExperiment, type TrackableRun } from './tracked-runs.ts';
