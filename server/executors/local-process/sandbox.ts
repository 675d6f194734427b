import type { Programs } from './programs.ts';

/**
 * How a job is kept apart from the machine. Three implementations, best first: bubblewrap, unshare, plain. Each writes
 * what it needs into the attempt's plan folder and answers the command line that runs SHIM in the sandbox; the monitor
 * executes it with the log as descriptor 4 and the file `arguments` as descriptor 5.
 */
export interface Sandbox {
  readonly kind: IsolationKind;
  /** The kernel ends every process of the job together with its first one. */
  readonly endsWholeTree: boolean;
  /** Where the job finds the folder with its own files (script, environment). */
  insideFolder(planFolder: string): string;
  /** Where the job finds a path of its spec, such as /kqi/git. */
  pathInside(planFolder: string, target: string): string;
  /** Which user the job runs as; null = the server's own. */
  jobUser(tenantNumber: number): JobUser | null;
  /** Where the job finds SHIM. */
  shimPath(programs: Programs): string;
  files(job: SandboxedJob): SandboxFiles;
}

export type IsolationKind = 'bubblewrap' | 'unshare' | 'none';

export interface JobUser {
  readonly uid: number;
  readonly gid: number;
}

export interface SandboxedJob {
  /** Where the plan will be when the command runs; it is not there yet. */
  readonly planFolder: string;
  readonly hostName: string;
  readonly user: JobUser | null;
  readonly mounts: readonly ResolvedMount[];
  /** Device files of its GPUs. */
  readonly devices: readonly string[];
}

export interface ResolvedMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface SandboxFiles {
  /** Content of the file `arguments`. */
  readonly arguments: string;
  /** Ends where `sh <shim> …` follows. */
  readonly command: readonly string[];
  /** Writes more into the plan while it is at a temporary place. */
  readonly build?: (temporaryPlan: string) => Promise<void>;
}

/** What every sandboxed job sees of the machine besides its mounts. */
export interface HostView {
  /** `/usr`, and what of /bin, /sbin, /lib* is a folder of its own. */
  readonly readOnlyFolders: readonly string[];
  /** `/bin` → `usr/bin` and the like. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** The folder mounted as /etc, made by us. */
  readonly etcFolder: string;
  /** Files of the real /etc that change while the machine runs. */
  readonly liveEtcFiles: readonly string[];
  /** A Node installation or a single binary outside /usr, mounted below NODE_FOLDER; null when /usr has it. */
  readonly node: { readonly source: string; readonly target: string } | null;
}

/** SHIM, as a file of the job's /etc. */
export const SHIM_IN_ETC = 'sodate/run-job';
export const INSIDE_FOLDER = '/run/sodate';
export const NODE_FOLDER = '/opt/sodate-node';
/** What the job's first process is called by: takes every right away for good, as the last step before the job's rights. */
export const dropRights = (user: JobUser | null): string[] =>
  user === null ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'];
