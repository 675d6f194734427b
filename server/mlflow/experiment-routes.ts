import type { Caller } from '#kit/http/access.ts';
import type { MlflowBinder, MlflowCall } from '#mlflow/mlflow-binder.ts';
import { checkPerson, type MlflowParts } from '#mlflow/mlflow-parts.ts';
import { searchExperimentRows } from '#mlflow/search-experiments.ts';
import {
  createExperiment,
  DEFAULT_EXPERIMENT,
  ensureDefaultExperiment,
  type Experiment,
  findExperiment,
  findExperimentByName,
  findTrackableRun,
  hideExperiment,
  putRunIntoExperiment,
  readExperimentLabels,
  removeExperimentLabel,
  renameExperiment,
  setExperimentLabel,
} from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type * as shapes from '@sodate/contract/mlflow.ts';
import * as routes from '@sodate/contract/mlflow-routes.ts';
import type { z } from 'zod';

export function bindExperimentRoutes(binder: MlflowBinder, { db, searches, clock }: MlflowParts): void {
  const show = async (tenant: TenantId, experiments: readonly Experiment[]): Promise<z.input<typeof shapes.Experiment>[]> => {
    const labels = await readExperimentLabels(
      db,
      tenant,
      experiments.map(({ id }) => id),
    );
    return experiments.map((experiment) => ({
      experiment_id: String(experiment.number),
      name: experiment.name,
      artifact_location: 'mlflow-artifacts:/',
      lifecycle_stage: experiment.deleted_at === null ? 'active' : 'deleted',
      creation_time: experiment.created_at.getTime(),
      last_update_time: experiment.updated_at.getTime(),
      tags: (labels.get(experiment.id) ?? []).map(({ name, value }) => ({ key: name, value })),
    }));
  };
  const showOne = async (tenant: TenantId, experiment: Experiment): Promise<z.input<typeof shapes.Experiment>> =>
    (await show(tenant, [experiment]))[0] as z.input<typeof shapes.Experiment>;
  const find = (tenant: TenantId, reference: string): Promise<Experiment> => findExperiment(db, tenant, reference, clock.now());

  /** A job that names an experiment before it logs means the run that it is. */
  const adopt = async (caller: Caller, tenant: TenantId, experiment: Experiment): Promise<void> => {
    if (caller.attempt !== null && experiment.deleted_at === null) await putRunIntoExperiment(db, tenant, caller.attempt.run, experiment);
  };

  /** Jobs change nothing of experiments that are others' too, but what they say of their own. */
  const checkLabeller = async (caller: Caller, tenant: TenantId, experiment: Experiment): Promise<void> => {
    if (caller.attempt === null) return;
    const own = await findTrackableRun(db, tenant, caller.attempt.run);
    if (own.experiment !== experiment.id) checkPerson(caller);
  };

  binder.bind(routes.createExperiment, async ({ caller, tenant, ask }) => {
    const labels = ask.tags.map(({ key, value }) => ({ name: key, value }));
    const made = await createExperiment(db, tenant.id, { name: ask.name, labels, now: clock.now() });
    await adopt(caller, tenant.id, made);
    return { experiment_id: String(made.number) };
  });

  binder.bind(routes.getExperiment, async ({ caller, tenant, ask }) => {
    const experiment = await find(tenant.id, ask.experiment_id);
    await adopt(caller, tenant.id, experiment);
    return { experiment: await showOne(tenant.id, experiment) };
  });

  binder.bind(routes.getExperimentByName, async ({ caller, tenant, ask }) => {
    const experiment = await findExperimentByName(db, tenant.id, ask.experiment_name, clock.now());
    await adopt(caller, tenant.id, experiment);
    return { experiment: await showOne(tenant.id, experiment) };
  });

  const search = async ({ tenant, ask }: MlflowCall<z.output<typeof routes.searchExperiments.ask>>) => {
    await ensureDefaultExperiment(db, tenant.id, clock.now());
    const wanted = { filter: ask.filter, order: ask.order_by, view: ask.view_type, limit: ask.max_results, pageToken: ask.page_token };
    const { rows, nextPageToken } = await searchExperimentRows(searches, tenant.id, wanted);
    return { experiments: await show(tenant.id, rows), ...(nextPageToken === undefined ? {} : { next_page_token: nextPageToken }) };
  };
  binder.bind(routes.searchExperiments, search);
  binder.bind(routes.listExperiments, search);

  binder.bind(routes.updateExperiment, async ({ caller, tenant, ask }) => {
    checkPerson(caller);
    const experiment = await find(tenant.id, ask.experiment_id);
    if (experiment.deleted_at !== null) throw wrongState(experiment, 'deleted', 'one that is not; restore it first');
    await renameExperiment(db, tenant.id, experiment, ask.new_name, clock.now());
    return {};
  });

  binder.bind(routes.deleteExperiment, async ({ caller, tenant, ask }) => {
    checkPerson(caller);
    const experiment = await find(tenant.id, ask.experiment_id);
    if (experiment.number === DEFAULT_EXPERIMENT) throw wrongState(experiment, 'the default one', 'another');
    if (experiment.deleted_at !== null) throw wrongState(experiment, 'deleted', 'one that is not');
    await hideExperiment(db, tenant.id, experiment, clock.now(), clock.now());
    return {};
  });

  binder.bind(routes.restoreExperiment, async ({ caller, tenant, ask }) => {
    checkPerson(caller);
    const experiment = await find(tenant.id, ask.experiment_id);
    if (experiment.deleted_at === null) throw wrongState(experiment, 'active', 'a deleted one');
    await hideExperiment(db, tenant.id, experiment, null, clock.now());
    return {};
  });

  binder.bind(routes.setExperimentTag, async ({ caller, tenant, ask }) => {
    const experiment = await find(tenant.id, ask.experiment_id);
    await checkLabeller(caller, tenant.id, experiment);
    await setExperimentLabel(db, tenant.id, experiment, ask.key, ask.value);
    return {};
  });

  binder.bind(routes.deleteExperimentTag, async ({ caller, tenant, ask }) => {
    const experiment = await find(tenant.id, ask.experiment_id);
    await checkLabeller(caller, tenant.id, experiment);
    if (!(await removeExperimentLabel(db, tenant.id, experiment, ask.key))) throw new SodateError('not-found', { thing: 'tag', reference: ask.key });
    return {};
  });
}

const wrongState = (experiment: Experiment, state: string, needed: string): SodateError =>
  new SodateError('wrong-state', { thing: 'Experiment', reference: experiment.name, state, needed });
