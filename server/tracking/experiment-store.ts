import { isUniqueViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface Experiment {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
}

/** Every tenant's first one. A run that was put into no experiment is in this one. */
export const DEFAULT_EXPERIMENT = 0;
const DEFAULT_NAME = 'Default';

const COLUMNS = ['id', 'number', 'name', 'created_at', 'updated_at', 'deleted_at'] as const;

const notFound = (reference: string): SodateError => new SodateError('not-found', { thing: 'experiment', reference });

/** The default experiment has its row from the first time that somebody asks for experiments. */
export async function ensureDefaultExperiment(db: Database, tenant: TenantId, now: Date): Promise<Experiment> {
  const find = () => db.selectFrom('experiments').select(COLUMNS).where('tenant_id', '=', tenant).where('number', '=', DEFAULT_EXPERIMENT);
  const found = await find().executeTakeFirst();
  if (found !== undefined) return found;
  await db
    .insertInto('experiments')
    .values({ tenant_id: tenant, id: newId(), number: DEFAULT_EXPERIMENT, name: DEFAULT_NAME, created_at: now, updated_at: now })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'number']).doNothing())
    .execute();
  return find().executeTakeFirstOrThrow();
}

/** @throws SodateError `not-found`, also for another tenant's and for what is no number at all */
export async function findExperiment(db: Database, tenant: TenantId, reference: string, now: Date): Promise<Experiment> {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(reference)) throw notFound(reference.slice(0, 100));
  const number = Number(reference);
  if (number === DEFAULT_EXPERIMENT) return ensureDefaultExperiment(db, tenant, now);
  // Written out, since every run that begins asks it.
  const { rows } = await sql<Experiment>`
    select id, number, name, created_at, updated_at, deleted_at from experiments where tenant_id = ${tenant} and number = ${number}`.execute(db);
  if (rows[0] === undefined) throw notFound(reference);
  return rows[0];
}

/** @throws SodateError `not-found` */
export async function findExperimentByName(db: Database, tenant: TenantId, name: string, now: Date): Promise<Experiment> {
  if (name === DEFAULT_NAME) await ensureDefaultExperiment(db, tenant, now);
  const found = await db.selectFrom('experiments').select(COLUMNS).where('tenant_id', '=', tenant).where('name', '=', name).executeTakeFirst();
  if (found === undefined) throw notFound(name);
  return found;
}

/** @throws SodateError `name-taken`, also by one that is put aside */
export async function createExperiment(
  db: Database,
  tenant: TenantId,
  ask: { readonly name: string; readonly labels: readonly { readonly name: string; readonly value: string }[]; readonly now: Date },
): Promise<Experiment> {
  await ensureDefaultExperiment(db, tenant, ask.now);
  const labels = [...new Map(ask.labels.map((label) => [label.name, label])).values()];
  return refuseTakenName(ask.name, () =>
    db.transaction().execute(async (tx) => {
      const made = await tx
        .insertInto('experiments')
        .values({
          tenant_id: tenant,
          id: newId(),
          number: sql<number>`nextval('number_experiment')`,
          name: ask.name,
          created_at: ask.now,
          updated_at: ask.now,
        })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow();
      if (labels.length > 0)
        await tx
          .insertInto('experiment_labels')
          .values(labels.map((label) => ({ tenant_id: tenant, experiment_id: made.id, ...label })))
          .execute();
      return made;
    }),
  );
}

/** @throws SodateError `name-taken` */
export async function renameExperiment(db: Database, tenant: TenantId, experiment: Experiment, name: string, now: Date): Promise<void> {
  await refuseTakenName(name, () =>
    db.updateTable('experiments').set({ name, updated_at: now }).where('tenant_id', '=', tenant).where('id', '=', experiment.id).execute(),
  );
}

/**
 * Puts an experiment aside with its runs, or takes it back. Runs that were put aside by themselves before cannot be told
 * apart afterwards, as in MLflow.
 */
export async function hideExperiment(db: Database, tenant: TenantId, experiment: Experiment, hiddenAt: Date | null, now: Date): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx
      .updateTable('experiments')
      .set({ deleted_at: hiddenAt, updated_at: now })
      .where('tenant_id', '=', tenant)
      .where('id', '=', experiment.id)
      .execute();
    await tx.updateTable('run_tracking').set({ hidden_at: hiddenAt }).where('tenant_id', '=', tenant).where('experiment_id', '=', experiment.id).execute();
  });
}

export async function readExperimentLabels(
  db: Database,
  tenant: TenantId,
  experiments: readonly string[],
): Promise<ReadonlyMap<string, readonly { readonly name: string; readonly value: string }[]>> {
  const found = new Map<string, { name: string; value: string }[]>();
  if (experiments.length === 0) return found;
  const rows = await db
    .selectFrom('experiment_labels')
    .select(['experiment_id', 'name', 'value'])
    .where('tenant_id', '=', tenant)
    .where('experiment_id', 'in', experiments)
    .orderBy('name')
    .execute();
  for (const { experiment_id, name, value } of rows) found.set(experiment_id, [...(found.get(experiment_id) ?? []), { name, value }]);
  return found;
}

export async function setExperimentLabel(db: Database, tenant: TenantId, experiment: Experiment, name: string, value: string): Promise<void> {
  await db
    .insertInto('experiment_labels')
    .values({ tenant_id: tenant, experiment_id: experiment.id, name, value })
    .onConflict((conflict) => conflict.columns(['experiment_id', 'name']).doUpdateSet({ value }))
    .execute();
}

/** @returns whether there was one */
export async function removeExperimentLabel(db: Database, tenant: TenantId, experiment: Experiment, name: string): Promise<boolean> {
  const gone = await db
    .deleteFrom('experiment_labels')
    .where('tenant_id', '=', tenant)
    .where('experiment_id', '=', experiment.id)
    .where('name', '=', name)
    .executeTakeFirst();
  return gone.numDeletedRows > 0n;
}

async function refuseTakenName<Result>(name: string, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    if (isUniqueViolation(error)) throw new SodateError('name-taken', { thing: 'experiment', name }, { cause: error });
    throw error;
  }
}
