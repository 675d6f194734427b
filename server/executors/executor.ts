import type { AttemptId, DatasetId, GitEndpointId, RunId, TenantId } from '@sodate/contract/ids.ts';
import type { FailureClass } from '@sodate/contract/failures.ts';
import { runText, type RunWords } from '@sodate/contract/run-words.ts';
import type { Duplex } from 'node:stream';
import type { Secret } from '#config/secret.ts';
import type { z } from 'zod';

/**
 * The executor port: where runs execute.
 *
 * An executor starts an attempt at most once, says what became of it as often as it is asked, stops it, and removes
 * every trace of it. It never decides what runs where, never retries, and keeps no state that its engine does not keep:
 * a handle is plain data, stored with the attempt, so that any later process can go on where this one died.
 *
 * Promises every implementation makes (executor-conformance.ts asks for each of them):
 * - `start` is idempotent by attempt id. Whoever calls it, however often, after whatever crash, at most one process or
 *   container of that attempt ever runs. An attempt that has run is never run again.
 * - `observe` answers `gone` only when a reachable engine does not know the attempt or knows that it vanished without an
 *   exit code. An engine that cannot be reached throws `EngineUnreachable`, which changes no run.
 * - `stop` and `remove` are idempotent and settle for handles the engine does not know.
 * - An exit code is kept until `remove`.
 * - Every byte the job wrote to stdout and stderr reaches the log exactly once.
 */
export interface Executor<Handle = unknown> {
  readonly id: ExecutorId;
  readonly capabilities: Capabilities;
  /** Parses a handle read back from the database. */
  readonly handleSchema: z.ZodType<Handle>;
  inventory(): Promise<Inventory>;
  /**
   * Realises the stage plan and starts the attempt. `report` hears what it is doing meanwhile, for people; calls to it may
   * be dropped. Aborting gives up what has not begun, such as a pull: the attempt may be left half-made, for `remove`.
   * @throws {StartRefused} when this attempt can never start (its class says whose fault it is); nothing is left behind
   * @throws {EngineUnreachable} when the engine does not answer; call again with the same spec
   */
  start(spec: LaunchSpec, signal: AbortSignal, report?: (phase: StartPhase) => void): Promise<Handle>;
  observe(handle: Handle): Promise<Observation>;
  stop(handle: Handle, order: StopOrder): Promise<void>;
  remove(handle: Handle): Promise<void>;
  /** Every attempt of this installation that the engine knows in any state: finds orphans after a crash. */
  list(): Promise<readonly ListedAttempt<Handle>[]>;
  /** Hints that an attempt may have changed, for latency only: losing every one loses nothing. Returns an unsubscriber. */
  onChange(listener: (attempt: AttemptId) => void): () => void;
  /** Only where `capabilities.log` is `stream`: what the job wrote from a checkpoint on, ending when the attempt has ended. */
  followLog?(handle: Handle, from: LogCheckpoint, signal: AbortSignal): AsyncIterable<LogChunk>;
  /** Where attempts run in images: the digest of the one that runs, read from the handle alone. */
  imageDigest?(handle: Handle): string | null;
  /** What an image is, asked of its registry before anything is pulled. @throws {StartRefused} as `start` would */
  imageInfo?(image: string, credential: RegistryCredential | null): Promise<ImageInfo>;
  /** What a running attempt uses now; null when it does not run. */
  usage?(handle: Handle): Promise<Usage | null>;
  /** A connection to a port on which the running job listens. @throws when nothing listens there */
  openPort?(handle: Handle, port: number): Promise<Duplex>;
  /** A command on a terminal inside the running job. Closing it ends the command. */
  openTerminal?(handle: Handle, command: readonly string[], size: TerminalSize): Promise<Terminal>;
  /** Ends what the executor itself keeps open (connections, watchers). Jobs go on. */
  close(): Promise<void>;
}

/** Unique in an installation, such as `local`. */
export type ExecutorId = string;

export interface Capabilities {
  /** The images it can run: a closed list, or `any` that a registry has, which `host` is not. */
  readonly images: readonly string[] | 'any';
  /** `file`: the job writes straight into the log file of its plan. `stream`: `followLog` delivers it. */
  readonly log: 'file' | 'stream';
  /** How well jobs are kept apart, shown to people; `none` is for one trusted user. */
  readonly isolation: 'container' | 'sandbox' | 'none';
  /** Limits it really enforces here; the others are only used for placement. */
  readonly enforces: { readonly cpu: boolean; readonly memory: boolean; readonly pids: boolean };
  /** The name under which jobs reach the platform's door for jobs; null when they share the server's own addresses. */
  readonly platformHost: string | null;
}

/** The image that is no image: the machine itself. */
export const HOST_IMAGE = 'host';

export const runsImage = (images: Capabilities['images'], image: string): boolean => (images === 'any' ? image !== HOST_IMAGE : images.includes(image));

export interface Inventory {
  readonly nodes: readonly InventoryNode[];
}

/** A machine as this executor sees it. Executors of one machine report the same name, so that it is counted once. */
export interface InventoryNode {
  readonly name: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly gpus: readonly { readonly id: string; readonly model: string; readonly memoryBytes: number }[];
  /** null when healthy, otherwise why nothing should be placed here. */
  readonly problem: string | null;
}

/** All an executor needs to start an attempt. Plain data: no host path in it, so that nodes need not share a disk. */
export interface LaunchSpec {
  readonly attempt: AttemptId;
  readonly run: RunId;
  readonly tenant: TenantId;
  /** Small and unique in the installation: local jobs of one tenant run under one uid made from it. */
  readonly tenantNumber: number;
  /** For people and process lists: `training-12`. */
  readonly name: string;
  readonly node: string;
  readonly image: string;
  /** For pulling the image; null where its registry asks for none. */
  readonly registryCredential: RegistryCredential | null;
  /** A text is a script (bash where there is one, else sh); a list is executed as it is, without a shell. */
  readonly command: JobCommand;
  readonly environment: Readonly<Record<string, string>>;
  /** Inside the job, such as /kqi/git. */
  readonly workingDirectory: string;
  readonly limits: { readonly cpuMilli: number; readonly memoryBytes: number; readonly pids: number };
  /** Containers: whether this job keeps an engine's usual capabilities, less the dangerous ones, or none at all. */
  readonly capabilities: 'usual' | 'none';
  /** Ids of the GPUs this attempt owns, from the inventory. */
  readonly gpus: readonly string[];
  readonly stagePlan: StagePlan;
  readonly mounts: readonly Mount[];
}

export type JobCommand = { readonly kind: 'script'; readonly text: string } | { readonly kind: 'list'; readonly argv: readonly string[] };

/** Which folders an attempt sees, by meaning. Whoever realises it makes each item a folder; see `server/staging`. */
export interface StagePlan {
  readonly items: readonly StageItem[];
}

export type StageItem =
  /** The repository at a commit, a private copy the job may change. */
  | { readonly name: string; readonly kind: 'checkout'; readonly endpoint: GitEndpointId; readonly repository: string; readonly commit: string }
  /** A locked data set: `input/` with meta.json, and `raw/`. Shared between runs, never writable. */
  | { readonly name: string; readonly kind: 'dataset'; readonly dataset: DatasetId }
  /** A folder of a run that outlives the attempt: what it writes, or what an earlier run wrote. */
  | { readonly name: string; readonly kind: 'run-folder'; readonly run: RunId; readonly folder: 'output' | 'attach' }
  /** An empty folder that goes away with the attempt. */
  | { readonly name: string; readonly kind: 'scratch' };

/** `item` names a stage item; `subfolder` a folder in it. `target` is an absolute path inside the job. */
export interface Mount {
  readonly item: string;
  readonly subfolder?: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * Realises stage plans on a disk that the executor can mount from. Idempotent by attempt id: what is there is used again.
 * Injected by compose.ts, because staging knows data sets and git, and executors do not.
 * @throws {StartRefused} when the plan can never be realised
 */
export interface StageFolders {
  /** `jobUser` owns the writable folders; null = the server's own uid. */
  realise(
    attempt: AttemptId,
    run: RunId,
    plan: StagePlan,
    options: { readonly jobUser: { readonly uid: number; readonly gid: number } | null; readonly copyInputs: boolean },
    signal: AbortSignal,
  ): Promise<StagedFolders>;
  /** Removes what was made for this attempt alone. Idempotent. */
  discard(attempt: AttemptId): Promise<void>;
}

export interface StagedFolders {
  /** Stage item name → absolute folder on this machine. */
  readonly folders: ReadonlyMap<string, string>;
  /** The file the job's stdout and stderr are appended to; it exists already, owned by the server. */
  readonly logFile: string;
}

export type Observation =
  | { readonly state: 'pending'; readonly phase: string; readonly progress?: number }
  | { readonly state: 'running' }
  | { readonly state: 'exited'; readonly exit: Exit }
  | { readonly state: 'gone'; readonly reason: RunWords };

/** How a process or container ended. Exactly one of `code` and `signal` is not null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What the executor knows beyond the code; null when code and signal tell all. */
  readonly failure: { readonly class: FailureClass; readonly words: RunWords } | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** What a start is doing, for people: `pulling`, with a progress from 0 to 1 where that is known. */
export interface StartPhase {
  readonly phase: string;
  readonly progress?: number;
}

export interface RegistryCredential {
  /** Host and perhaps port, as in the image's name. */
  readonly registry: string;
  readonly userName: string;
  readonly password: Secret;
}

export interface ImageInfo {
  /** `sha256:…`, of the manifest that the reference names now. */
  readonly digest: string;
  /** Such as `linux/amd64`. */
  readonly platforms: readonly string[];
}

/** CPU as total time since the start, memory without what the kernel can take back at will. */
export interface Usage {
  readonly at: Date;
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly networkReceivedBytes: number;
  readonly networkSentBytes: number;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Terminal {
  /** What is typed goes in, what is shown comes out. */
  readonly stream: Duplex;
  resize(size: TerminalSize): Promise<void>;
  /** The command's exit code; null when it was ended. */
  readonly exited: Promise<number | null>;
  /** Ends the command, however much it resists. */
  close(): Promise<void>;
}

export type StopOrder = 'terminate' | 'kill';

export interface ListedAttempt<Handle> {
  readonly attempt: AttemptId;
  readonly handle: Handle;
}

/**
 * Where a follower of an engine's log stands: our offset in bytes, a time of the engine's from which on it is to be asked
 * again, and how many entries from there on were taken already. Only the executor that made one reads it.
 */
export interface LogCheckpoint {
  readonly offset: number;
  readonly engineTime: string | null;
  readonly entriesAtTime: number;
}

export interface LogChunk {
  readonly bytes: Uint8Array;
  readonly checkpoint: LogCheckpoint;
}

const UNREACHABLE = Symbol.for('sodate.engine-unreachable');
const REFUSED = Symbol.for('sodate.start-refused');

/** The engine does not answer now. Says nothing about any attempt. */
export class EngineUnreachable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    Object.defineProperty(this, UNREACHABLE, { value: true });
  }
}
export const isEngineUnreachable = (error: unknown): error is EngineUnreachable => typeof error === 'object' && error !== null && UNREACHABLE in error;

/** This attempt cannot start, and would not on another try with the same spec. */
export class StartRefused extends Error {
  readonly failureClass: FailureClass;
  /** What people are told. */
  readonly words: RunWords;
  constructor(failureClass: FailureClass, words: RunWords, options?: { cause?: unknown }) {
    super(runText(words), options);
    this.failureClass = failureClass;
    this.words = words;
    Object.defineProperty(this, REFUSED, { value: true });
  }
}
export const isStartRefused = (error: unknown): error is StartRefused => typeof error === 'object' && error !== null && REFUSED in error;
