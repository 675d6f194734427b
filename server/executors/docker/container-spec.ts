import type Docker from 'dockerode';
import type { LaunchSpec } from '../executor.ts';
import type { TenantNetwork } from './docker-network.ts';
import type { ImageFacts } from './image-probe.ts';

/** What tells our containers from others, and those of one installation from those of another. */
export const LABELS = {
  installation: 'sodate.installation',
  attempt: 'sodate.attempt',
  run: 'sodate.run',
  tenant: 'sodate.tenant',
  tenantNumber: 'sodate.tenant-number',
  imageDigest: 'sodate.image-digest',
  /** The first word of a command given as a list, for the text of a failure. */
  program: 'sodate.program',
  /** Of the throwaway containers through which images are looked into. */
  probe: 'sodate.probe',
} as const;

/** Where the script of a job is inside its container. */
export const SCRIPT_PATH = '/kqi/scripts/main';

/**
 * The engine's log driver that keeps bytes as they are (`json-file` replaces what is not UTF-8), with a size at which it
 * never rotates: a rotation ends the stream of whoever follows.
 */
const LOG_CONFIG = { Type: 'local', Config: { 'max-size': '1000g', 'max-file': '1', compress: 'false' } };

/** Of Docker's default ones: raw packets to the tenant's neighbours, device files, and lines in the machine's audit log. */
const DROPPED_CAPABILITIES = ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'];

export interface ResolvedMount {
  /** A path of this machine, without symbolic links. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerParts {
  readonly spec: LaunchSpec;
  readonly installation: string;
  readonly image: ImageFacts;
  readonly network: TenantNetwork;
  readonly mounts: readonly ResolvedMount[];
  /** The script's file on this machine; null for a command that is a list. */
  readonly scriptFile: string | null;
  /** null = as the image says. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

const HOST_NAME_LENGTH = 63;
const hostName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, HOST_NAME_LENGTH)
    .replace(/^-+|-+$/g, '') || 'job';

/** A spec in the engine's words. The result passes `assertContainerPolicy` before it is used. */
export function containerSpec(parts: ContainerParts): Docker.ContainerCreateOptions {
  const { spec, installation, image, network, mounts, scriptFile, user } = parts;
  const { command, limits, gpus } = spec;
  const environment = {
    // Without GPUs of its own a job sees none, also where the engine's default runtime would show all of them.
    NVIDIA_VISIBLE_DEVICES: gpus.length === 0 ? 'none' : gpus.join(','),
    ...spec.environment,
    // TERM reaches the whole group of the job, as on a terminal: also the program below a script that waits for it.
    TINI_KILL_PROCESS_GROUP: '1',
  };
  const bind = ({ source, target, readOnly }: ResolvedMount): Docker.MountSettings => ({
    Type: 'bind',
    Source: source,
    Target: target,
    ReadOnly: readOnly,
    BindOptions: { Propagation: 'rprivate' },
  });
  return {
    Image: image.id,
    Hostname: hostName(spec.name),
    Entrypoint: command.kind === 'list' ? [...command.argv] : [image.bash ?? image.sh ?? '', SCRIPT_PATH],
    Cmd: [],
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    WorkingDir: spec.workingDirectory,
    ...(user && { User: `${user.uid}:${user.gid}` }),
    Healthcheck: { Test: ['NONE'] },
    AttachStdin: false,
    OpenStdin: false,
    Tty: false,
    Labels: {
      [LABELS.installation]: installation,
      [LABELS.attempt]: spec.attempt,
      [LABELS.run]: spec.run,
      [LABELS.tenant]: spec.tenant,
      [LABELS.tenantNumber]: String(spec.tenantNumber),
      [LABELS.imageDigest]: image.digest,
      ...(command.kind === 'list' && { [LABELS.program]: command.argv[0] ?? '' }),
    },
    HostConfig: {
      NanoCpus: limits.cpuMilli * 1_000_000,
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      PidsLimit: limits.pids,
      ShmSize: Math.floor(limits.memoryBytes / 2),
      Init: true,
      CapDrop: spec.capabilities === 'none' ? ['ALL'] : DROPPED_CAPABILITIES,
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      LogConfig: LOG_CONFIG,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      NetworkMode: network.name,
      ExtraHosts: [...network.extraHosts],
      Mounts: [...mounts, ...(scriptFile === null ? [] : [{ source: scriptFile, target: SCRIPT_PATH, readOnly: true }])].map(bind),
      ...(gpus.length > 0 && { DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: [...gpus], Capabilities: [['gpu']] }] }),
    },
  };
}
