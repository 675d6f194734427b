import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import type { Access, Caller } from '#kit/http/access.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import type { RunFolders } from '#staging/run-folders.ts';
import { findTrackableRun, type TrackableRun } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

export interface MlflowParts {
  readonly db: Database;
  /** Connections for what somebody else decides the cost of. */
  readonly searches: Database;
  readonly clock: Clock;
  readonly access: Access;
  readonly changes: Pick<ChangeFeed, 'publish'>;
  readonly folders: RunFolders;
  readonly foreignFolders: Pick<ForeignFolders, 'list'>;
}

/** How a request names a run: older clients by `run_uuid`. */
export interface RunAsked {
  readonly run_id: string;
  readonly run_uuid: string;
}

/** @throws SodateError `not-found`, for other tenants' runs as well */
export const findAskedRun = (db: Database, tenant: TenantId, ask: RunAsked): Promise<TrackableRun> => findTrackableRun(db, tenant, referenceOf(ask));

export const referenceOf = (ask: RunAsked): string => (ask.run_id === '' ? ask.run_uuid : ask.run_id);

/**
 * What a job may write to: its own run, and those that it began.
 * @throws SodateError `not-allowed`
 */
export function checkWriter(caller: Caller, run: Pick<TrackableRun, 'id' | 'maker'>): void {
  if (caller.attempt === null || run.id === caller.attempt.run || run.maker === caller.attempt.run) return;
  throw refuseJob();
}

/** @throws SodateError `not-allowed` for every job */
export function checkPerson(caller: Caller): void {
  if (caller.attempt !== null) throw refuseJob();
}

const refuseJob = (): SodateError =>
  new SodateError('not-allowed', { needed: 'member with a token of their own; a job writes only to its own run and to those that it began' });

/**
 * A run that the caller may log to.
 * @throws SodateError `not-found`, `not-allowed`, `wrong-state` for one that is put aside
 */
export async function findWritableRun(db: Database, tenant: TenantId, caller: Caller, ask: RunAsked): Promise<TrackableRun> {
  const run = await findAskedRun(db, tenant, ask);
  checkWritable(caller, run);
  return run;
}

/** @throws SodateError `not-allowed`, `wrong-state` for a run that is put aside */
export function checkWritable(caller: Caller, run: TrackableRun): void {
  checkWriter(caller, run);
  if (run.hidden)
    throw new SodateError('wrong-state', { thing: 'Run', reference: run.id, state: 'deleted', needed: "a run in the 'active' state; restore it first" });
}
