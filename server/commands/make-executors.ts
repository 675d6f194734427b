import type { ExecutorSurroundings } from '#compose.ts';
import type { Config } from '#config/config.ts';
import type { EngineClient } from '#executors/docker/docker-client.ts';
import type { DockerTenantNetworks } from '#executors/docker/tenant-networks.ts';
import { type Executor, isEngineUnreachable } from '#executors/executor.ts';
import { askNvidiaSmi, parseGpus } from '#executors/local-process/gpus.ts';
import { makeLocalProcessExecutor } from '#executors/local-process/local-process-executor.ts';
import { systemClock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';

/** The name under which containers find the platform. */
const PLATFORM_HOST = 'sodate';
/** 253 containers of one tenant at a time on one machine. */
const TENANT_NETWORK_LENGTH = 24;
const NETWORKS_EVERY_MS = 10_000;
const UNUSED_NETWORKS_EVERY_MS = 10 * 60_000;

/** Whether runs execute in containers here: when the administrator says so, or else when there is an engine's socket. */
export function usesDocker(config: Pick<Config, 'executors' | 'docker'>): boolean {
  if (config.executors.includes('docker')) return true;
  if (!config.executors.includes('auto')) return false;
  const socket = /^unix:\/\/(\/.+)$/.exec(config.docker.host)?.[1];
  return socket === undefined || existsSync(socket);
}

/** Makes the executors that the settings ask for, preferred first. All of them are on this machine, and are one node. */
export async function makeExecutors(config: Config, log: Log, around: ExecutorSurroundings): Promise<readonly Executor[]> {
  const executors: Executor[] = [];
  if (config.executors.some((name) => name === 'local' || name === 'auto')) {
    executors.push(
      await makeLocalProcessExecutor({
        folder: localProcessFolder(config.home),
        platform: around.installation,
        stage: around.stage,
        clock: systemClock,
        log,
        nodeName: config.nodeName ?? hostname(),
        nodePath: process.execPath,
        visiblePaths: config.visiblePaths,
        isolation: config.isolation,
      }),
    );
  }
  if (usesDocker(config)) {
    const { executor, networks } = await makeDocker(config, log, around);
    keepUp(networks, log, around);
    executors.push(executor);
  }
  return executors;
}

export const localProcessFolder = (home: string): string => path.join(home, 'executors', 'local-process');
export const dockerFolder = (home: string): string => path.join(home, 'executors', 'docker');

/** The executor of containers and the networks that it works with. The networks are to be refreshed now and then. */
export async function makeDocker(
  config: Config,
  log: Log,
  around: Pick<ExecutorSurroundings, 'installation' | 'stage' | 'door'>,
): Promise<{ readonly executor: Executor; readonly networks: DockerTenantNetworks }> {
  // Read only where it is used: the engine's client takes memory and a part of the start.
  const [{ openEngine }, { makeDockerExecutor }] = await Promise.all([
    import('#executors/docker/docker-client.ts'),
    import('#executors/docker/docker-executor.ts'),
  ]);
  const { installation, stage } = around;
  const engine = openEngine(config.docker.host);
  const networks = await openTenantNetworks(config, engine, around);
  const executor = await makeDockerExecutor({
    host: config.docker.host,
    folder: path.join(dockerFolder(config.home), installation),
    installation,
    stage,
    networks,
    clock: systemClock,
    log,
    nodeName: config.nodeName ?? hostname(),
    mountRoots: [config.home],
    platformHost: PLATFORM_HOST,
    readGpus: async () => parseGpus(await askNvidiaSmi().catch(() => '')),
    imageBudgetBytes: config.docker.imageBudgetBytes,
  });
  return {
    networks,
    executor: {
      ...executor,
      // Asked anew each time: the engine says more once it answers.
      get capabilities() {
        return executor.capabilities;
      },
      async close() {
        await executor.close();
        await networks.close();
        engine.close();
      },
    },
  };
}

/** The networks of an installation's containers as the settings want them. Nothing is made or changed before it is asked for. */
export async function openTenantNetworks(
  config: Config,
  engine: EngineClient,
  { installation, door }: Pick<ExecutorSurroundings, 'installation' | 'door'>,
): Promise<DockerTenantNetworks> {
  const { makeTenantNetworks } = await import('#executors/docker/tenant-networks.ts');
  return makeTenantNetworks({
    engine,
    installation,
    addressRange: config.docker.networks,
    networkLength: TENANT_NETWORK_LENGTH,
    platformHost: PLATFORM_HOST,
    doorPort: config.jobPort,
    deny: config.docker.deny,
    allowed: config.docker.allow,
    onGateway: (address) => door.listenOn(address),
    onGatewayGone: (address) => door.leave(address),
  });
}

function keepUp(networks: DockerTenantNetworks, log: Log, around: ExecutorSurroundings): void {
  const told = new Set<string>();
  around.addSweep({
    name: 'refresh-networks',
    everyMs: NETWORKS_EVERY_MS,
    async sweep() {
      const problems = await networks.refresh().catch((error: unknown) => {
        // The inventory says so already.
        if (isEngineUnreachable(error)) return [];
        throw error;
      });
      for (const problem of problems) {
        if (told.has(problem)) continue;
        told.add(problem);
        log.warn({ problem }, 'networks of containers');
      }
    },
  });
  around.addSweep({
    name: 'remove-unused-networks',
    everyMs: UNUSED_NETWORKS_EVERY_MS,
    sweep: async () => networks.removeUnused(await around.tenantsInUse()),
  });
}
