import type { Database } from '#kit/db/open-database.ts';
import type { LaunchSpec } from '#executors/executor.ts';
import type { Run } from '@sodate/contract/run-routes.ts';
import type { RunKindName } from '@sodate/contract/runs.ts';
import type { AttemptId, RunId, TenantId } from '@sodate/contract/ids.ts';
import type { z } from 'zod';

/**
 * The port of a kind of run. A kind says three things: what its request is once everything in it is resolved, how that
 * becomes what an executor starts, and what happens when it ends. Everything else (queue, placement, launch, watching,
 * retries, logs, stopping) is the same for all of them and lives here in `runs`.
 *
 * A kind's folder also has its own submission use case, which resolves names and calls `enqueueRun`.
 */
export interface RunKind<Request = unknown> {
  readonly name: RunKindName;
  /** Parses the stored request. Resolved: ids instead of names, a commit instead of a branch. */
  readonly requestSchema: z.ZodType<Request>;
  /** How the request becomes a job. Pure: what it says depends on nothing but the run. */
  toJob(run: StoredRun<Request>, surroundings: JobSurroundings): Job;
  /**
   * The end's work, after the process has ended and before the run's end is recorded. Repeatable: it may be called again
   * after a crash, and must come to the same result.
   */
  finish(run: StoredRun<Request>, outcome: { readonly succeeded: boolean }, output: OutputReader): Promise<Finished>;
  /** What the API shows beyond what all runs have. */
  details(db: Database, run: StoredRun<Request>): Promise<Run['details']>;
}

export interface StoredRun<Request> {
  readonly tenant: TenantId;
  readonly id: RunId;
  readonly number: number;
  readonly name: string;
  readonly request: Request;
}

/** What a job is told about the platform it runs on. */
export interface JobSurroundings {
  readonly attempt: AttemptId;
  /** Address at which a job reaches the platform. */
  readonly serverUrl: string;
  /** This attempt's token. */
  readonly token: string;
  readonly version: string;
  readonly gpus: readonly string[];
}

/** The kind's part of a launch spec. */
export type Job = Pick<LaunchSpec, 'command' | 'environment' | 'workingDirectory' | 'stagePlan' | 'mounts'>;

export interface Finished {
  /** One line about the result, shown in lists; null for none. */
  readonly outputValue: string | null;
}

/** Reads what the run wrote. Never follows a link out of the output folder. */
export interface OutputReader {
  /** The beginning of a file as text, or null when there is no such regular file. */
  readText(path: string, maxBytes: number): Promise<string | null>;
}
