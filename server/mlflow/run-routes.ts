import { inventRunName } from '#mlflow/run-names.ts';
import type { MlflowBinder } from '#mlflow/mlflow-binder.ts';
import { checkWriter, findAskedRun, type MlflowParts } from '#mlflow/mlflow-parts.ts';
import { makeRunBeginner, makeRunUpdater } from '#mlflow/runs-together.ts';
import { RUN_NAME_TAG } from '#mlflow/search-conditions.ts';
import { searchRunIds } from '#mlflow/search-runs.ts';
import { showNewRun, showOneRun, showRuns } from '#mlflow/show-runs.ts';
import { END_OF } from '#mlflow/statuses.ts';
import { hideRun } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/mlflow-routes.ts';
import { Title } from '@sodate/contract/names.ts';

const SOURCE_TAG = 'mlflow.source.name';
const SOURCE_UNKNOWN = '(outside of the platform)';

/** @throws SodateError `invalid-request` for what cannot be shown on one line */
export function checkedRunName(name: string): string {
  const checked = Title.safeParse(name);
  if (checked.success) return checked.data;
  throw new SodateError('invalid-request', { details: `Invalid value for parameter 'run_name': ${checked.error.issues[0]?.message ?? 'not a name'}` });
}

export async function renameRun({ db, changes }: MlflowParts, tenant: TenantId, run: RunId, name: string): Promise<void> {
  await db
    .updateTable('runs')
    .set({ name: checkedRunName(name) })
    .where('tenant_id', '=', tenant)
    .where('id', '=', run)
    .execute();
  changes.publish({ tenant, topic: 'run', id: run, change: 'updated' });
}

export function bindTrackedRunRoutes(binder: MlflowBinder, parts: MlflowParts): void {
  const { db, searches, clock } = parts;
  const beginRun = makeRunBeginner(parts);
  const updateRun = makeRunUpdater(parts, (tenant, run, name) => renameRun(parts, tenant, run, name));

  binder.bind(routes.createRun, async ({ caller, tenant, ask }) => {
    const tags = new Map(ask.tags.map(({ key, value }) => [key, value]));
    const named = [ask.run_name, tags.get(RUN_NAME_TAG)].find((name) => name !== undefined && name !== null && name.trim() !== '');
    const source = tags.get(SOURCE_TAG) ?? '';
    const labels = [...tags].filter(([name]) => name !== RUN_NAME_TAG).map(([name, value]) => ({ name, value }));
    const name = typeof named === 'string' ? checkedRunName(named) : inventRunName();
    const begun = await beginRun({
      tenant: tenant.id,
      experiment: ask.experiment_id === '' ? '0' : ask.experiment_id,
      begin: {
        user: caller.user,
        name,
        labels,
        maker: caller.attempt?.run ?? null,
        startedAt: ask.start_time === null ? null : new Date(ask.start_time),
        command: source === '' ? SOURCE_UNKNOWN : source,
      },
    });
    return { run: showNewRun({ ...begun, name, userName: caller.name, labels }) };
  });

  binder.bind(routes.getRun, async ({ tenant, ask }) => ({ run: await showOneRun(db, tenant.id, (await findAskedRun(db, tenant.id, ask)).id) }));

  binder.bind(routes.updateRun, async ({ caller, tenant, ask }) => {
    const to = ask.status === null || ask.status === undefined ? null : END_OF[ask.status];
    const run_info = await updateRun({
      caller,
      tenant: tenant.id,
      run: ask,
      name: ask.run_name === '' ? null : (ask.run_name ?? null),
      end: to === null ? null : { to, endedAt: ask.end_time === null ? null : new Date(ask.end_time) },
    });
    return { run_info };
  });

  binder.bind(routes.deleteRun, async ({ caller, tenant, ask }) => {
    const run = await findAskedRun(db, tenant.id, ask);
    checkWriter(caller, run);
    await hideRun(db, tenant.id, run, clock.now());
    return {};
  });

  binder.bind(routes.restoreRun, async ({ caller, tenant, ask }) => {
    const run = await findAskedRun(db, tenant.id, ask);
    checkWriter(caller, run);
    await hideRun(db, tenant.id, run, null);
    return {};
  });

  binder.bind(routes.searchRuns, async ({ tenant, ask }) => {
    const found = await searchRunIds(searches, tenant.id, {
      experiments: ask.experiment_ids,
      filter: ask.filter,
      order: ask.order_by,
      view: ask.run_view_type,
      limit: ask.max_results,
      pageToken: ask.page_token,
    });
    return {
      runs: await showRuns(db, tenant.id, found.ids),
      ...(found.nextPageToken === undefined ? {} : { next_page_token: found.nextPageToken }),
    };
  });
}
