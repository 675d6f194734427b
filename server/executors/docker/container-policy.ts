import { normalize } from 'node:path';
import type Docker from 'dockerode';

export interface ContainerPolicy {
  /** Folders of this machine below which everything lies that jobs may mount. Without symbolic links. */
  readonly mountRoots: readonly string[];
  /** The engine's socket, which is the machine itself; null where it is no file. */
  readonly engineSocket: string | null;
}

/** Everything of a container's host configuration that we ever set; whatever else appears in it was not meant. */
const KNOWN = new Set([
  'NanoCpus',
  'Memory',
  'MemorySwap',
  'PidsLimit',
  'ShmSize',
  'Init',
  'CapDrop',
  'SecurityOpt',
  'Privileged',
  'LogConfig',
  'RestartPolicy',
  'AutoRemove',
  'NetworkMode',
  'ExtraHosts',
  'Mounts',
  'DeviceRequests',
]);

const isBelow = (path: string, root: string): boolean => path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`);

/**
 * The last look at the final object, whoever made it: a list of what is allowed, so that a new field needs a decision.
 * @throws {Error} with what is wrong; a container that fails here is a mistake of ours, not of a user
 */
export function assertContainerPolicy(options: Docker.ContainerCreateOptions, policy: ContainerPolicy): void {
  const host = options.HostConfig ?? {};
  const refuse = (what: string): never => {
    throw new Error(`A container was about to be made that must not be: ${what}`);
  };
  for (const field of Object.keys(host)) if (!KNOWN.has(field)) refuse(`HostConfig.${field} is set`);
  if (host.Privileged !== false) refuse('it is privileged');
  if (!(host.SecurityOpt as string[] | undefined)?.every((option) => option === 'no-new-privileges') || host.SecurityOpt?.length === 0)
    refuse('its security options are not ours');
  const dropped = host.CapDrop ?? [];
  if (!dropped.includes('ALL') && !['NET_RAW', 'MKNOD', 'AUDIT_WRITE'].every((name) => dropped.includes(name))) refuse('it keeps capabilities');
  const network = host.NetworkMode ?? '';
  if (network === '' || /^(host|default|bridge|container:.*|ns:.*)$/.test(network)) refuse(`its network is ${JSON.stringify(network)}`);
  if (!host.Memory || !host.NanoCpus || !host.PidsLimit || host.MemorySwap !== host.Memory) refuse('it has no limits');
  for (const { Type, Source, BindOptions } of host.Mounts ?? []) {
    if (Type !== 'bind') refuse(`a mount is a ${Type}`);
    if (BindOptions?.Propagation !== 'rprivate') refuse(`the mount of ${Source} is not private`);
    if (!Source.startsWith('/') || normalize(Source) !== Source) refuse(`the path ${Source} is not plain`);
    if (!policy.mountRoots.some((root) => isBelow(Source, root))) refuse(`${Source} is outside the folders of jobs`);
    if (policy.engineSocket !== null && isBelow(policy.engineSocket, Source)) refuse(`${Source} holds the engine's socket`);
  }
}
