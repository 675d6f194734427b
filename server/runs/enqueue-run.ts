import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { lockDataset } from '#datasets/datasets.ts';
import { recordLineage } from '#lineage/lineage.ts';
import type { RunViewRow } from '#runs/run-view.ts';
import type { LineageOrigin } from '#lineage/lineage-store.ts';
import type { DatasetId, RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { RunKindName, RunSubmission } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';
import { runText, runWords, type RunWords } from '@sodate/contract/run-words.ts';

export interface NewRun {
  readonly tenant: TenantId;
  readonly id: RunId;
  readonly kind: RunKindName;
  readonly submission: Omit<RunSubmission, 'command' | 'environment'>;
  /** As the kind stores it: resolved, and parsed again by its `requestSchema` at each use. */
  readonly request: object;
  readonly warnings: readonly RunWords[];
  readonly createdBy: UserId;
  readonly now: Date;
  /** Locked from now on: what a run used does not change. */
  readonly dataset?: DatasetId;
  readonly parents?: readonly RunId[];
  /** What this run comes from, for its ancestry. */
  readonly ancestry: readonly LineageOrigin[];
}

const SUBMITTED = runWords('submitted');

/** Alike to placement: the same amounts of everything and the same image. */
export const shapeOf = (submission: Pick<RunSubmission, 'resources' | 'image'>): string =>
  `${Math.round(submission.resources.cpu * 1000)}m ${submission.resources.memory}B ${submission.resources.gpus}g ${submission.image}`;

/**
 * Puts a run into the queue. When the transaction commits the run is certain to be looked at, whatever crashes next: it
 * is in the table from which the scheduling pass takes its heads. Every kind comes through here.
 * @returns the run as it was stored
 */
export async function enqueueRun(tx: DatabaseTransaction, run: NewRun): Promise<RunViewRow> {
  if (run.dataset !== undefined) await lockDataset(tx, run.tenant, run.dataset, run.now);
  const stored = await insertRun(tx, run);
  const { number } = stored;
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
  return stored;
}

/** A run that refers to nothing: then `insertRun` is all of `enqueueRun`, and one statement needs no transaction around it. */
export const refersToNothing = (run: Pick<NewRun, 'dataset' | 'parents' | 'ancestry'>): boolean =>
  run.dataset === undefined && (run.parents ?? []).length === 0 && run.ancestry.length === 0;

/** The row and the first line of its timeline. @returns the run as it is shown, so that nobody has to read it again */
export async function insertRun(db: Database, run: NewRun): Promise<RunViewRow> {
  const { submission } = run;
  const { resources } = submission;
  const cpuMilli = Math.round(resources.cpu * 1000);
  // Written out, like all that every run costs: the query builder takes 0.3 ms for it.
  const { rows } = await sql<Pick<RunViewRow, 'number' | 'user_id' | 'user_name' | 'user_display_name'>>`
    with made as (
      insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, partition,
        priority, shape, time_limit_seconds, retries, created_by, created_at, queued_at, due_at)
      values (${run.tenant}, ${run.id}, ${run.kind}, nextval(${`number_${run.kind}`}::regclass), ${submission.name}, ${submission.memo}, ${submission.tags},
        'queued', ${JSON.stringify(run.request)}, ${JSON.stringify(run.warnings)}, ${submission.image}, ${cpuMilli}, ${resources.memory}, ${resources.gpus},
        ${submission.partition ?? null}, ${submission.priority}, ${shapeOf(submission)}, ${submission.timeLimitSeconds ?? null}, '{}', ${run.createdBy},
        ${run.now}, ${run.now}, ${run.now})
      returning tenant_id, id, number, created_by
    ), noted as (
      insert into run_timeline (tenant_id, run_id, at, state, attempt, note, words)
      select tenant_id, id, ${run.now}::timestamptz, 'queued', 0, ${runText(SUBMITTED)}::text, ${JSON.stringify(SUBMITTED)}::jsonb from made
    )
    select made.number, users.id as user_id, users.name as user_name, users.display_name as user_display_name
    from made join users on users.id = made.created_by`.execute(db);
  const [stored] = rows;
  if (stored === undefined) throw new Error(`Run ${run.id} was stored for a user who is not there`);
  return {
    ...stored,
    id: run.id,
    kind: run.kind,
    name: submission.name,
    memo: submission.memo,
    tags: submission.tags,
    favourite: false,
    state: 'queued',
    phase: null,
    phase_progress: null,
    exit_code: null,
    failure_class: null,
    failure_message: null,
    failure_words: null,
    output_value: null,
    cpu_milli: cpuMilli,
    memory_bytes: resources.memory,
    gpus: resources.gpus,
    partition: submission.partition ?? null,
    image: submission.image,
    node_name: null,
    attempt: 0,
    created_at: run.now,
    started_at: null,
    ended_at: null,
  };
}
