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
export { addRunInputs, inputsAsJson, type RunInput } from './run-input-store.ts';
export { insertionOfLabels, type Label, labelsAsJson, removeRunLabel, setLabelsOfRuns, setRunLabels } from './run-label-store.ts';
export { trackedKind } from './tracked-kind.ts';
export {
  beginTrackedRuns,
  endAbandonedRuns,
  endTrackedRuns,
  findTrackableRun,
  findTrackableRuns,
  hideRun,
  putRunIntoExperiment,
  type BegunRun,
  type TrackableRun,
  type TrackedBegin,
  type TrackedEnd,
} from './tracked-runs.ts';
