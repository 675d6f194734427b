import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { lockDataset } from '#datasets/datasets.ts';
import { recordLineage } from '#lineage/lineage.ts';
import type { LineageOrigin } from '#lineage/lineage-store.ts';
import type { DatasetId, RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { RunKindName, RunSubmission } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';

export interface NewRun {
  readonly tenant: TenantId;
  readonly id: RunId;
  readonly kind: RunKindName;
  readonly submission: Omit<RunSubmission, 'command' | 'environment'>;
  /** As the kind stores it: resolved, and parsed again by its `requestSchema` at each use. */
  readonly request: object;
  readonly warnings: readonly string[];
  readonly createdBy: UserId;
  readonly now: Date;
  /** Locked from now on: what a run used does not change. */
  readonly dataset?: DatasetId;
  readonly parents?: readonly RunId[];
  /** What this run comes from, for its ancestry. */
  readonly ancestry: readonly LineageOrigin[];
}

/** Alike to placement: the same amounts of everything and the same image. */
export const shapeOf = (submission: Pick<RunSubmission, 'resources' | 'image'>): string =>
  `${Math.round(submission.resources.cpu * 1000)}m ${submission.resources.memory}B ${submission.resources.gpus}g ${submission.image}`;

/**
 * Puts a run into the queue. When the transaction commits the run is certain to be looked at, whatever crashes next: it
 * is in the table from which the scheduling pass takes its heads. Every kind comes through here.
 */
export async function enqueueRun(tx: DatabaseTransaction, run: NewRun): Promise<{ readonly number: number }> {
  if (run.dataset !== undefined) await lockDataset(tx, run.tenant, run.dataset, run.now);
  const { number } = await insertRun(tx, run);
  if (run.dataset !== undefined) {
    await tx.insertInto('run_datasets').values({ tenant_id: run.tenant, run_id: run.id, dataset_id: run.dataset }).execute();
  }
  const parents = [...new Set(run.parents ?? [])];
  if (parents.length > 0) {
    await tx
      .insertInto('run_parents')
      .values(parents.map((parent) => ({ tenant_id: run.tenant, run_id: run.id, parent_id: parent })))
      .execute();
  }
  if (run.ancestry.length > 0) {
    await recordLineage(
      tx,
      run.tenant,
      { to: { kind: 'run', id: run.id, label: `${run.kind}-${number} ${run.submission.name}` }, from: run.ancestry },
      run.now,
    );
  }
  return { number };
}

/** A run that refers to nothing: then `insertRun` is all of `enqueueRun`, and one statement needs no transaction around it. */
export const refersToNothing = (run: Pick<NewRun, 'dataset' | 'parents' | 'ancestry'>): boolean =>
  run.dataset === undefined && (run.parents ?? []).length === 0 && run.ancestry.length === 0;

/** The row and the first line of its timeline. */
export async function insertRun(db: Database, run: NewRun): Promise<{ readonly number: number }> {
  const { submission } = run;
  return db
    .with('made', (with_) =>
      with_
        .insertInto('runs')
        .values({
          tenant_id: run.tenant,
          id: run.id,
          kind: run.kind,
          number: sql<number>`nextval(${`number_${run.kind}`}::regclass)`,
          name: submission.name,
          memo: submission.memo,
          tags: submission.tags,
          state: 'queued',
          request: JSON.stringify(run.request),
          warnings: JSON.stringify(run.warnings),
          image: submission.image,
          cpu_milli: Math.round(submission.resources.cpu * 1000),
          memory_bytes: submission.resources.memory,
          gpus: submission.resources.gpus,
          partition: submission.partition ?? null,
          priority: submission.priority,
          shape: shapeOf(submission),
          time_limit_seconds: submission.timeLimitSeconds ?? null,
          retries: JSON.stringify({}),
          created_by: run.createdBy,
          created_at: run.now,
          queued_at: run.now,
          due_at: run.now,
        })
        .returning(['tenant_id', 'id', 'number']),
    )
    .with('noted', (with_) =>
      with_
        .insertInto('run_timeline')
        .columns(['tenant_id', 'run_id', 'at', 'state', 'attempt', 'note'])
        .expression((builder) =>
          builder
            .selectFrom('made')
            .select([
              'tenant_id',
              'id',
              sql<Date>`${run.now}::timestamptz`.as('at'),
              sql<string>`'queued'`.as('state'),
              sql<number>`0`.as('attempt'),
              sql<string>`'submitted'`.as('note'),
            ]),
        )
        .returning('seq'),
    )
    .selectFrom('made')
    .select('number')
    .executeTakeFirstOrThrow();
}
