import { EngineUnreachable } from '#executors/executor.ts';
import type { NetworkInspectInfo } from 'dockerode';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LABELS } from './container-spec.ts';
import { type EngineClient, messageOf, statusOf } from './docker-client.ts';
import type { TenantNetwork, TenantNetworks } from './docker-network.ts';
import { type Firewall, makeFirewall } from './firewall.ts';
import {
  chooseSubnet,
  formatSubnet,
  gatewayOf,
  parseOwnAddresses,
  parseRoutes,
  parseSubnet,
  planAddresses,
  type Subnet,
  subnetCount,
} from './tenant-networks-subnets.ts';

export interface TenantNetworkOptions {
  readonly engine: EngineClient;
  /** The installation's id: what carries it is ours. */
  readonly installation: string;
  /** IPv4 network from which each tenant gets one of its own. */
  readonly addressRange: string;
  /** Bits of a tenant's network: 24 for 253 containers at once. */
  readonly networkLength: number;
  /** The name by which jobs find the platform. */
  readonly platformHost: string;
  /** TCP port of the door for jobs. */
  readonly doorPort: number;
  /** What containers may not reach beyond this machine, and what they may all the same; see `FirewallPolicy`. */
  readonly deny: 'link-local' | 'private';
  readonly allowed: readonly string[];
  /** Makes the door for jobs answer at a network's gateway address. Called again and again for the same one. */
  readonly onGateway: (address: string) => Promise<void>;
  /** The network of this address is gone. */
  readonly onGatewayGone: (address: string) => Promise<void>;
}

/**
 * One bridge network for each tenant, from a range of addresses of our own. Containers of one tenant find each other by
 * name; of the host they reach the door for jobs at their gateway's address, and of other tenants nothing.
 *
 * All that is remembered is in the engine: a network carries the installation and the tenant as labels, and its bridge has
 * a name that the engine gives only once, so that two servers that make it at the same moment end up with one.
 */
export interface DockerTenantNetworks extends TenantNetworks {
  /**
   * Brings back what something else took away: rules of the firewall, and the door at each network that is there, also
   * after this server has started anew. For each inventory.
   * @returns what is wrong and what to do, for administrators; empty when all is well
   * @throws EngineUnreachable
   */
  refresh(): Promise<readonly string[]>;
  /** The firewall's rules in force; see `Firewall`. */
  describeFirewall(): Promise<readonly string[]>;
  /** What stays reachable where this process may not set such rules; see `Firewall`. */
  readonly firewallWarning: string | null;
  /** `remove`: for the end of an installation, takes away the networks without containers and the firewall's rules. */
  close(options?: { readonly remove?: boolean }): Promise<void>;
}

/** Six hexadecimal digits: with 16 installations on one engine, one in 140,000 shares its digits with another. */
const shortName = (installation: string): string => createHash('sha256').update(installation).digest('hex').slice(0, 6);

/** What the names of our bridges begin with. Interfaces have 15 characters, which leaves 6 for the tenant in base 36. */
const bridgePrefix = (installation: string): string => `sd${shortName(installation)}-`;

interface Known {
  readonly id: string;
  readonly gateway: string;
  readonly network: TenantNetwork;
}

export async function makeTenantNetworks(options: TenantNetworkOptions): Promise<DockerTenantNetworks> {
  const { engine, installation } = options;
  const plan = planAddresses(options.addressRange, options.networkLength);
  const firewall: Firewall = await makeFirewall({
    bridgePrefix: bridgePrefix(installation),
    doorPort: options.doorPort,
    deny: options.deny,
    allowed: options.allowed,
  });
  /** Only saves work: each entry is looked up in the engine before it is used. */
  const known = new Map<number, Known>();
  /** What is being done for a tenant: one thing at a time. */
  const busy = new Map<number, Promise<unknown>>();
  const making = new Map<number, Promise<TenantNetwork>>();
  /** Unused at the last look, and not asked for since. */
  const nominated = new Set<number>();

  /** After whatever is being done for this tenant. */
  function inTurn<T>(tenantNumber: number, work: () => Promise<T>): Promise<T> {
    const result = (busy.get(tenantNumber) ?? Promise.resolve()).then(work);
    const settled: Promise<unknown> = result
      .catch(() => {})
      .finally(() => {
        if (busy.get(tenantNumber) === settled) busy.delete(tenantNumber);
      });
    busy.set(tenantNumber, settled);
    return result;
  }

  const ourNetworks = (): Promise<NetworkInspectInfo[]> =>
    engine.call((docker) => docker.listNetworks({ filters: { label: [`${LABELS.installation}=${installation}`] } }));
  const tenantOf = ({ Labels }: NetworkInspectInfo): number => Number(Labels?.[LABELS.tenantNumber]);

  async function isEmpty(network: string): Promise<boolean> {
    // Made containers that do not run yet count: the engine itself would not mind losing their network.
    const containers = await engine.call((docker) => docker.listContainers({ all: true, filters: { network: [network] } }));
    return containers.length === 0;
  }

  async function remove(network: NetworkInspectInfo): Promise<void> {
    await engine
      .call((docker) => docker.getNetwork(network.Id).remove())
      .catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error;
      });
    known.delete(tenantOf(network));
    await options.onGatewayGone(gatewayIn(network));
  }

  async function takenSubnets(): Promise<Subnet[]> {
    const networks = await engine.call((docker) => docker.listNetworks());
    const ofEngine = networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).map(({ Subnet: text }) => parseSubnet(text ?? '')));
    const routes = parseRoutes(await readFile('/proc/net/route', 'utf8').catch(() => ''));
    const ofMachine = [...(await ownAddresses())].map((address) => parseSubnet(`${address}/32`));
    return [...ofEngine, ...ofMachine, ...routes].filter((subnet) => subnet !== null);
  }

  async function make(tenantNumber: number, name: string): Promise<void> {
    const taken = await takenSubnets();
    const start = Number.parseInt(shortName(installation), 16) + tenantNumber;
    for (;;) {
      const subnet = chooseSubnet(plan, start, taken);
      if (subnet === null)
        throw new EngineUnreachable(
          `No network for tenant ${tenantNumber}: all ${subnetCount(plan)} networks of ${options.addressRange} are in use, by other tenants, other networks of the engine, ` +
            'or routes of this machine. Give a larger or another address range.',
        );
      try {
        await engine.call((docker) =>
          docker.createNetwork({
            Name: name,
            CheckDuplicate: true,
            Driver: 'bridge',
            EnableIPv6: false,
            Labels: { [LABELS.installation]: installation, [LABELS.tenantNumber]: String(tenantNumber) },
            IPAM: { Driver: 'default', Config: [{ Subnet: formatSubnet(subnet), Gateway: gatewayOf(subnet) }] },
            Options: {
              'com.docker.network.bridge.name': `${bridgePrefix(installation)}${tenantNumber.toString(36)}`,
              'com.docker.network.bridge.enable_icc': 'true',
              'com.docker.network.bridge.enable_ip_masquerade': 'true',
              // Ours never publish a port. Should one ever, then on this machine only.
              'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1',
            },
          }),
        );
        return;
      } catch (error) {
        const text = messageOf(error);
        // Somebody was quicker: with this tenant's network, which the caller finds, or with a network of these addresses.
        if (/already exists|same bridge name/.test(text)) return;
        if (!/overlaps|same (ip range|subnet)|networks have/i.test(text)) throw error;
        taken.push(subnet);
      }
    }
  }

  async function establish(tenantNumber: number): Promise<TenantNetwork> {
    await firewall.ensure();
    const name = `sodate-${shortName(installation)}-${tenantNumber}`;
    const find = async (): Promise<NetworkInspectInfo | undefined> => (await ourNetworks()).find((each) => tenantOf(each) === tenantNumber);
    let found = await find();
    // A bridge that somebody deleted under the engine: containers could not be started in it.
    if (found && !(await isHere(gatewayIn(found))) && (await isEmpty(found.Name))) {
      await remove(found);
      found = undefined;
    }
    if (!found) {
      await make(tenantNumber, name);
      found = await find();
    }
    if (!found)
      throw new EngineUnreachable(
        `The engine has a network named ${name}, or one with the bridge ${bridgePrefix(installation)}${tenantNumber.toString(36)}, that is not this installation's. Remove it: docker network rm ${name}.`,
      );
    const gateway = gatewayIn(found);
    if (!(await isHere(gateway))) throw new EngineUnreachable(notHereText(found.Name, gateway));
    await openDoor(gateway);
    const network = { name: found.Name, extraHosts: [`${options.platformHost}:${gateway}`] };
    known.set(tenantNumber, { id: found.Id, gateway, network });
    return network;
  }

  async function openDoor(gateway: string): Promise<void> {
    try {
      await options.onGateway(gateway);
    } catch (error) {
      throw new EngineUnreachable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  async function stillThere({ id, gateway }: Known): Promise<boolean> {
    try {
      await engine.call((docker) => docker.getNetwork(id).inspect());
      return await isHere(gateway);
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }

  return {
    ensure(tenantNumber) {
      nominated.delete(tenantNumber);
      const already = making.get(tenantNumber);
      if (already) return already;
      const result = inTurn(tenantNumber, async () => {
        const last = known.get(tenantNumber);
        return last && (await stillThere(last)) ? last.network : establish(tenantNumber);
      }).finally(() => making.delete(tenantNumber));
      making.set(tenantNumber, result);
      return result;
    },

    async removeUnused(tenantsInUse) {
      const unused = (await ourNetworks()).filter((network) => !tenantsInUse.has(tenantOf(network)));
      // An attempt may have been placed since the caller looked. It is in the next caller's list, or has asked for its
      // network by then, so a network goes only when it was unused twice in a row.
      const again = unused.filter((network) => nominated.has(tenantOf(network)));
      nominated.clear();
      for (const network of unused) nominated.add(tenantOf(network));
      for (const network of again) {
        const tenantNumber = tenantOf(network);
        await inTurn(tenantNumber, async () => {
          if (!nominated.has(tenantNumber) || !(await isEmpty(network.Name))) return;
          await remove(network).catch((error: unknown) => {
            // A container came in this moment: then it is in use.
            if (statusOf(error) !== 403 && statusOf(error) !== 409) throw error;
          });
        });
      }
    },

    async refresh() {
      const problems = firewall.warning === null ? [] : [firewall.warning];
      const told = (error: unknown): void => void problems.push(error instanceof Error ? error.message : String(error));
      const networks = await ourNetworks();
      // A machine on which no container of ours has ever run keeps its firewall as it is.
      if (networks.length > 0) await firewall.ensure().catch(told);
      for (const network of networks) {
        const gateway = gatewayIn(network);
        if (await isHere(gateway)) await openDoor(gateway).catch(told);
        else problems.push(notHereText(network.Name, gateway));
      }
      return problems;
    },

    describeFirewall: () => firewall.describe(),
    firewallWarning: firewall.warning,

    async close({ remove: removing = false } = {}) {
      await Promise.all(busy.values());
      if (!removing) return;
      for (const network of await ourNetworks()) if (await isEmpty(network.Name)) await remove(network);
      await firewall.remove();
    },
  };
}

const gatewayIn = (network: NetworkInspectInfo): string => network.IPAM?.Config?.[0]?.Gateway ?? '';

/** Of the kernel's own list, since `os.networkInterfaces` leaves out a bridge as long as nothing is plugged into it. */
const ownAddresses = async (): Promise<ReadonlySet<string>> => parseOwnAddresses(await readFile('/proc/net/fib_trie', 'utf8').catch(() => ''));

const isHere = async (gateway: string): Promise<boolean> => (await ownAddresses()).has(gateway);

const notHereText = (name: string, gateway: string): string =>
  `The network ${name} has its gateway ${gateway} on no interface of this machine, so its jobs could not reach the platform. ` +
  'The engine must run on this machine and in its network: not in a virtual machine, not rootless. If somebody deleted the bridge, end the containers in it.';
