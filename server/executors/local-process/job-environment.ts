import { StartRefused, type LaunchSpec } from '../executor.ts';
import { NODE_FOLDER, type ResolvedMount, type Sandbox } from './sandbox.ts';
import { TOOL_ENVIRONMENT } from './scripts.ts';
import { runWords } from '@sodate/contract/run-words.ts';

/** Every process of an attempt carries it: how processes are found where there is neither a namespace nor a cgroup. */
/** LAUNCHER sets it, so that the monitor carries it too. */
export const MARKER_NAME = 'SODATE_ATTEMPT';
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface EnvironmentPlace {
  readonly sandbox: Sandbox;
  readonly planFolder: string;
  readonly mounts: readonly ResolvedMount[];
  /** Folders appended to PATH: where `node` is when /usr has none. */
  readonly extraPath: string;
}

/** The whole environment of a job: its spec's, and the least that programs cannot do without. Never the server's own. */
export function jobEnvironment(spec: LaunchSpec, { sandbox, planFolder, mounts, extraPath }: EnvironmentPlace): Record<string, string> {
  for (const [name, value] of Object.entries(spec.environment)) {
    if (!NAME.test(name)) throw new StartRefused('user-error', runWords('variable-name-unusable', { name: JSON.stringify(name.slice(0, 100)) }));
    if (value.includes('\0')) throw new StartRefused('user-error', runWords('variable-with-nul', { name }));
  }
  const gpus = spec.gpus.length === 0 ? 'none' : spec.gpus.join(',');
  const scratch = mounts.find((mount) => mount.target === '/kqi/tmp' && !mount.readOnly);
  const environment: Record<string, string> = {
    PATH: extraPath === '' ? TOOL_ENVIRONMENT.PATH : `${TOOL_ENVIRONMENT.PATH}:${extraPath}`,
    HOME: scratch ? scratch.target : '/tmp',
    LANG: 'C.UTF-8',
    ...spec.environment,
    [MARKER_NAME]: spec.attempt,
    CUDA_VISIBLE_DEVICES: gpus,
    NVIDIA_VISIBLE_DEVICES: gpus,
  };
  if (sandbox.kind !== 'none') return environment;

  const targets = mounts.map((mount) => mount.target);
  const moved = (path: string): string => (pointsIntoJob(path, targets) ? sandbox.pathInside(planFolder, path) : path);
  for (const [name, value] of Object.entries(environment)) {
    if (value.startsWith('/')) environment[name] = value.split(':').map(moved).join(':');
  }
  environment['SODATE_ROOT'] = sandbox.pathInside(planFolder, '/');
  return environment;
}

/** A path at, below or above a mount; above only where that is ours alone, such as /kqi, and not /opt or /usr. */
function pointsIntoJob(path: string, targets: readonly string[]): boolean {
  return targets.some((target) => path === target || path.startsWith(`${target}/`) || (path === '/kqi' && target.startsWith('/kqi/')));
}

/**
 * For SHIM, as a shell reads it: between single quotes every byte stands for itself, and they are ended for a quote alone.
 * `command`, because some shells keep names such as UID to themselves, which must not end them.
 */
export function encodeEnvironment(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `command export ${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`)
    .join('');
}

export const nodeOnPath = (inSandbox: boolean, needed: boolean, nodeFolderOnHost: string): string =>
  inSandbox ? (needed ? `${NODE_FOLDER}/bin` : '') : nodeFolderOnHost;
