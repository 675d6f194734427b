import { admitRun } from '#runs/admit-run.ts';
import { enqueueRun, insertRun, refersToNothing } from '#runs/enqueue-run.ts';
import { findRun } from '#runs/find-run.ts';
import { readRunView } from '#runs/run-store.ts';
import { showRun } from '#runs/run-view.ts';
import type { ExecutorRegistry } from '#executors/executor-registry.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { TenantContext } from '#kit/http/access.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import type { RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { RunKindName, RunSubmission, RunSummary } from '@sodate/contract/runs.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { NewRun } from '#runs/enqueue-run.ts';
import type { z } from 'zod';

/**
 * Runs, for the kinds: what a kind's submission needs. The life of a run after that is the engine's (`run-engine.ts`),
 * and no kind takes part in it but through the port `RunKind`.
 */
export interface Runs {
  /**
   * Admits a submission and queues it in one transaction with whatever `prepare` does. Durable when it resolves.
   * @throws SodateError of `admitRun`, and what `prepare` throws
   */
  submit(ask: {
    readonly tenant: TenantContext;
    readonly user: UserId;
    readonly id: RunId;
    readonly kind: RunKindName;
    readonly submission: RunSubmission;
    readonly prepared: Pick<NewRun, 'dataset' | 'parents' | 'ancestry'> & { readonly request: object };
    readonly prepare?: (tx: DatabaseTransaction) => Promise<void>;
  }): Promise<z.input<typeof RunSummary>>;
  /** The summary of a run, or null. */
  show(tenant: TenantId, run: string): Promise<z.input<typeof RunSummary> | null>;
}

export function makeRuns(parts: {
  readonly db: Database;
  readonly clock: Clock;
  readonly executors: ExecutorRegistry;
  readonly changes: Pick<ChangeFeed, 'publish'>;
  readonly engine: { hintQueue(): void };
}): Runs {
  const { db, clock, executors, changes, engine } = parts;
  return {
    async show(tenant, run) {
      const row = await readRunView(db, tenant, run);
      return row === undefined ? null : showRun(row);
    },
    async submit(ask) {
      const { tenant, submission, prepared } = ask;
      const warnings = await admitRun(db, executors, tenant, submission);
      const run = { tenant: tenant.id, id: ask.id, kind: ask.kind, submission, ...prepared, warnings, createdBy: ask.user, now: clock.now() };
      const { prepare } = ask;
      const stored =
        prepare === undefined && refersToNothing(run)
          ? await insertRun(db, run)
          : await db.transaction().execute(async (tx) => {
              await prepare?.(tx);
              return enqueueRun(tx, run);
            });
      engine.hintQueue();
      changes.publish({ tenant: tenant.id, topic: 'run', id: ask.id, change: 'created' });
      return showRun(stored);
    },
  };
}

export interface UsableParent {
  readonly id: RunId;
  readonly number: number;
  readonly name: string;
  readonly kind: RunKindName;
}

const ENDED_STATES = ['succeeded', 'failed', 'cancelled'];

/**
 * Finds the runs that a submission names as parents.
 * @throws SodateError `not-found`; `parent-not-usable` for one that has not ended, since its output still changes
 */
export async function findParents(db: Database, tenant: TenantId, references: readonly string[], kind: RunKindName): Promise<readonly UsableParent[]> {
  const found: UsableParent[] = [];
  for (const reference of references) {
    const run = await findRun(db, tenant, reference, kind);
    if (!ENDED_STATES.includes(run.state)) throw new SodateError('parent-not-usable', { parent: `${run.kind}-${run.number}`, state: run.state });
    if (!found.some(({ id }) => id === run.id)) found.push({ id: run.id, number: run.number, name: run.name, kind: run.kind });
  }
  return found;
}

/** Names of runs that a stored request refers to; one that has been deleted since is left out. */
export async function showReferences(
  db: Database,
  tenant: TenantId,
  ids: readonly string[],
): Promise<{ id: string; kind: string; number: number; name: string }[]> {
  if (ids.length === 0) return [];
  return db.selectFrom('runs').select(['id', 'kind', 'number', 'name']).where('tenant_id', '=', tenant).where('id', 'in', ids).orderBy('number').execute();
}
