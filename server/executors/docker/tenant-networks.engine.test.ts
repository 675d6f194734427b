import { isEngineUnreachable } from '#executors/executor.ts';
import { systemClock } from '#kit/clock.ts';
import type Docker from 'dockerode';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { freePort } from '#kit/testing/free-port.ts';
import { createServer, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from './docker-client.ts';
import { makeTenantNetworks, type DockerTenantNetworks, type TenantNetworkOptions } from './tenant-networks.ts';
import type { TenantNetwork } from './docker-network.ts';
import { provideTestEngine, whyNoEngine } from './testing/test-engine.ts';
import { provideTestImages, TEST_IMAGES } from './testing/test-images.ts';

const whyNot = await whyNoEngine();
const engine = whyNot === null ? await provideTestEngine() : null;

/** Stands at each gateway as the door for jobs would. */
interface Doors {
  readonly port: number;
  readonly servers: Map<string, Server>;
  /** Addresses that the door cannot have, for tests. */
  readonly refused: Set<string>;
}

async function listen(host: string, port: number, answer: string): Promise<Server> {
  const server = createServer((_request, response) => response.end(answer));
  server.listen({ host, port });
  await once(server, 'listening');
  return server;
}

const closeServer = async (server: Server): Promise<void> => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
};

describe.skipIf(engine === null)(`tenants' networks${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const { docker, host } = engine ?? ({} as NonNullable<typeof engine>);
  const made: { networks: DockerTenantNetworks; doors: Doors }[] = [];
  const containers: Docker.Container[] = [];

  beforeAll(async () => {
    await provideTestImages(docker);
  });
  afterEach(async () => {
    await Promise.all(containers.splice(0).map((container) => container.remove({ force: true })));
    for (const { networks, doors } of made.splice(0)) {
      await networks.close({ remove: true });
      for (const server of doors.servers.values()) await closeServer(server);
    }
  });
  afterAll(() => engine?.close());

  async function make(changes: Partial<TenantNetworkOptions> = {}): Promise<{ networks: DockerTenantNetworks; doors: Doors; installation: string }> {
    const doors: Doors = { port: await freePort(), servers: new Map(), refused: new Set() };
    const installation = randomUUID();
    const networks = await makeTenantNetworks({
      engine: openEngine(host),
      installation,
      addressRange: '10.231.0.0/16',
      networkLength: 24,
      platformHost: 'sodate',
      doorPort: doors.port,
      deny: 'link-local',
      allowed: [],
      onGateway: async (address) => {
        if (doors.refused.has(address)) throw new Error(`The door cannot listen on ${address}`);
        if (!doors.servers.has(address)) doors.servers.set(address, await listen(address, doors.port, `door of ${address}`));
      },
      onGatewayGone: async (address) => {
        const server = doors.servers.get(address);
        doors.servers.delete(address);
        if (server) await closeServer(server);
      },
      ...changes,
    });
    made.push({ networks, doors });
    return { networks, doors, installation };
  }

  const start = async (network: TenantNetwork, script: string, name?: string): Promise<Docker.Container> => {
    const container = await docker.createContainer({
      ...(name === undefined ? {} : { name }),
      Image: TEST_IMAGES.bash,
      Entrypoint: ['sh', '-c', script],
      Tty: true,
      HostConfig: { NetworkMode: network.name, ExtraHosts: [...network.extraHosts], CapDrop: ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'], Init: true },
      ...(name === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [network.name]: { Aliases: [`${name}-too`] } } } }),
    });
    containers.push(container);
    await container.start();
    return container;
  };
  const run = async (network: TenantNetwork, script: string): Promise<string> => {
    const container = await start(network, script);
    await container.wait();
    return (await container.logs({ stdout: true, stderr: true })).toString().replaceAll('\r', '').trim();
  };
  /** What a container gets from there, or `closed`. Never hangs: refused at once, or after three seconds. */
  const get = (network: TenantNetwork, ...urls: readonly string[]): Promise<string[]> =>
    run(network, urls.map((url) => `timeout 3 wget -q -O - http://${url} 2>/dev/null || echo -n closed; echo`).join('\n')).then((text) => text.split('\n'));
  const gatewayOf = (network: TenantNetwork): string => network.extraHosts[0]?.replace('sodate:', '') ?? '';
  const ownNetworks = async (installation: string): Promise<string[]> =>
    (await docker.listNetworks({ filters: { label: [`sodate.installation=${installation}`] } })).map(({ Name }) => Name).toSorted();

  it('is one for each tenant, however often and at once it is asked for', async () => {
    const { networks, doors, installation } = await make();
    // Nothing of the machine is touched before there is a first one.
    expect([await networks.refresh(), await networks.describeFirewall()]).toEqual([[], []]);
    const asked = await Promise.all([networks.ensure(1), networks.ensure(2), networks.ensure(1), networks.ensure(2)]);
    expect(asked[2]).toEqual(asked[0]);
    expect(asked[3]).toEqual(asked[1]);
    expect(await networks.ensure(1)).toEqual(asked[0]);
    expect(await ownNetworks(installation)).toEqual([asked[0]?.name, asked[1]?.name].toSorted());
    expect([...doors.servers.keys()].toSorted()).toEqual(asked.slice(0, 2).map(gatewayOf).toSorted());
    const details = await docker.getNetwork(asked[0]?.name ?? '').inspect();
    expect(details).toMatchObject({
      Driver: 'bridge',
      EnableIPv6: false,
      Internal: false,
      IPAM: { Config: [{ Gateway: gatewayOf(asked[0] as TenantNetwork) }] },
    });
    const bridge = details.Options?.['com.docker.network.bridge.name'] ?? '';
    expect((await promisify(execFile)('ip', ['-4', 'address', 'show', bridge])).stdout).toMatch(/inet 10\.231\.\d+\.1\/24/);
    expect(bridge.length).toBeLessThanOrEqual(15);
  });

  it('is one also when two servers make it at the same moment, and each finds it after a new start', async () => {
    const { networks, installation } = await make();
    const other = await make({ installation });
    const results = await Promise.all([1, 2, 3, 4].flatMap((tenant) => [networks.ensure(tenant), other.networks.ensure(tenant)]));
    for (const tenant of [0, 1, 2, 3]) expect(results[2 * tenant]).toEqual(results[2 * tenant + 1]);
    expect(await ownNetworks(installation)).toHaveLength(4);
    const later = await make({ installation });
    expect(later.doors.servers.size).toBe(0);
    expect(await later.networks.refresh()).toEqual([]);
    expect(later.doors.servers.size).toBe(4);
    expect(await later.networks.ensure(3)).toEqual(results[4]);
  });

  it('is made again when somebody removed it, or its bridge', async () => {
    const { networks, installation } = await make();
    const first = await networks.ensure(1);
    await docker.getNetwork(first.name).remove();
    expect(await networks.ensure(1)).toEqual(first);
    expect(await ownNetworks(installation)).toEqual([first.name]);
    const details = await docker.getNetwork(first.name).inspect();
    await promisify(execFile)('ip', ['link', 'delete', details.Options?.['com.docker.network.bridge.name'] ?? '']);
    expect(await networks.refresh()).toEqual([expect.stringContaining(`${gatewayOf(first)} on no interface of this machine`)]);
    expect(await networks.ensure(1)).toEqual(first);
    expect(await networks.refresh()).toEqual([]);
    expect(await get(first, `sodate:${made[0]?.doors.port}`)).toEqual([`door of ${gatewayOf(first)}`]);
  });

  it('shares nothing with another installation on the same engine', async () => {
    const [one, other] = [await make(), await make()];
    const [ofOne, ofOther] = await Promise.all([one.networks.ensure(1), other.networks.ensure(1)]);
    expect(ofOne.name).not.toBe(ofOther.name);
    expect(gatewayOf(ofOne)).not.toBe(gatewayOf(ofOther));
    await start(ofOther, 'exec httpd -f -p 8000 -h /etc', 'theirs');
    const { Networks } = (await docker.getContainer('theirs').inspect()).NetworkSettings;
    expect(await get(ofOne, 'theirs:8000/hostname', `${Networks[ofOther.name]?.IPAddress}:8000/hostname`)).toEqual(['closed', 'closed']);
    await Promise.all(containers.splice(0).map((container) => container.remove({ force: true })));
    await one.networks.close({ remove: true });
    expect([await ownNetworks(one.installation), await ownNetworks(other.installation)]).toEqual([[], [ofOther.name]]);
    expect((await other.networks.describeFirewall()).length).toBeGreaterThan(0);
    expect(await one.networks.describeFirewall()).toEqual([]);
  });

  it('takes addresses that nobody uses, and says so when there are none', async () => {
    const { networks, installation } = await make({ addressRange: '10.232.0.0/22', networkLength: 24 });
    const foreign = await docker.createNetwork({ Name: `foreign-${installation}`, IPAM: { Driver: 'default', Config: [{ Subnet: '10.232.1.128/25' }] } });
    await promisify(execFile)('ip', ['link', 'add', 'sdtest-route', 'up', 'type', 'bridge']);
    try {
      await promisify(execFile)('ip', ['address', 'add', '10.232.2.77/28', 'dev', 'sdtest-route']);
      const given = [await networks.ensure(1), await networks.ensure(2)];
      expect(given.map(gatewayOf).toSorted()).toEqual(['10.232.0.1', '10.232.3.1']);
      const refused = await networks.ensure(3).catch((error: unknown) => error);
      expect(isEngineUnreachable(refused)).toBe(true);
      expect(String(refused)).toMatch(/all 4 networks of 10\.232\.0\.0\/22 are in use.*larger or another address range/);
      expect(await networks.ensure(1)).toEqual(given[0]);
    } finally {
      await promisify(execFile)('ip', ['link', 'delete', 'sdtest-route']);
      await foreign.remove();
    }
    expect(gatewayOf(await networks.ensure(3))).toMatch(/^10\.232\.[12]\.1$/);
  });

  it('says which network is in its way', async () => {
    const { networks, installation } = await make();
    const { name } = await networks.ensure(1);
    await docker.getNetwork(name).remove();
    const foreign = await docker.createNetwork({ Name: name });
    await expect(networks.ensure(1)).rejects.toThrow(`Remove it: docker network rm ${name}`);
    await foreign.remove();
    expect((await networks.ensure(1)).name).toBe(name);
    expect(await ownNetworks(installation)).toEqual([name]);
  });

  it('goes when it was unused twice, with its door, and not while a container is in it or its tenant has work', async () => {
    const { networks, doors, installation } = await make();
    const [unused, working, holding, back] = await Promise.all([1, 2, 3, 4].map((tenant) => networks.ensure(tenant)));
    const idle = await docker.createContainer({ Image: TEST_IMAGES.bash, Cmd: ['true'], HostConfig: { NetworkMode: holding?.name ?? '' } });
    containers.push(idle);
    await networks.removeUnused(new Set([2]));
    expect(await ownNetworks(installation)).toHaveLength(4);
    await networks.ensure(4);
    await networks.removeUnused(new Set([2]));
    expect(await ownNetworks(installation)).toEqual([working?.name, holding?.name, back?.name].toSorted());
    expect([...doors.servers.keys()]).not.toContain(gatewayOf(unused as TenantNetwork));
    expect(doors.servers.size).toBe(3);
    await idle.start();
    await idle.wait();
    await networks.removeUnused(new Set([2, 4]));
    expect(await ownNetworks(installation)).toContain(holding?.name);
    await idle.remove({ force: true });
    containers.splice(0);
    await networks.removeUnused(new Set([2, 4]));
    expect(await ownNetworks(installation)).toEqual([working?.name, back?.name].toSorted());
    expect(await networks.ensure(1)).toEqual(unused);
  });

  it('waits for a door that cannot open yet, and names the address', async () => {
    const { networks, doors, installation } = await make();
    const network = await networks.ensure(1);
    const later = await make({ installation });
    later.doors.refused.add(gatewayOf(network));
    const refused = await later.networks.ensure(1).catch((error: unknown) => error);
    expect([isEngineUnreachable(refused), String(refused)]).toEqual([true, expect.stringContaining(`The door cannot listen on ${gatewayOf(network)}`)]);
    later.doors.refused.clear();
    const server = doors.servers.get(gatewayOf(network));
    doors.servers.delete(gatewayOf(network));
    if (server) await closeServer(server);
    expect(await later.networks.ensure(1)).toEqual(network);
    doors.refused.add(gatewayOf(network));
    expect(await networks.refresh()).toEqual([`The door cannot listen on ${gatewayOf(network)}`]);
  });

  it('lets containers of one tenant find and reach each other by name, and those of two tenants not at all', async () => {
    const { networks, doors } = await make();
    const [one, other] = [await networks.ensure(1), await networks.ensure(2)];
    const serving = await start(one, 'mkdir /www; echo -n hello > /www/index.html; exec httpd -f -p 8000 -h /www', 'serving');
    const address = (await serving.inspect()).NetworkSettings.Networks[one.name]?.IPAddress;
    // The server inside begins to listen in its own time.
    for (let tries = 0; (await get(one, 'serving:8000'))[0] !== 'hello' && tries < 20; tries += 1) await systemClock.sleep(50);
    expect(await get(one, 'serving:8000', 'serving-too:8000', `${address}:8000`, `sodate:${doors.port}`)).toEqual([
      'hello',
      'hello',
      'hello',
      `door of ${gatewayOf(one)}`,
    ]);
    expect(await get(other, 'serving:8000', 'serving-too:8000', `${address}:8000`, `sodate:${doors.port}`)).toEqual([
      'closed',
      'closed',
      'closed',
      `door of ${gatewayOf(other)}`,
    ]);
  });

  it('lets them do so also where private networks are closed, of which their own is one', async () => {
    const { networks, doors } = await make({ deny: 'private', allowed: ['10.231.0.0/30'] });
    const network = await networks.ensure(1);
    await start(network, 'mkdir /www; echo -n hello > /www/index.html; exec httpd -f -p 8000 -h /www', 'serving');
    for (let tries = 0; (await get(network, 'serving:8000'))[0] !== 'hello' && tries < 20; tries += 1) await systemClock.sleep(50);
    expect(await get(network, 'serving:8000', `sodate:${doors.port}`)).toEqual(['hello', `door of ${gatewayOf(network)}`]);
    const rules = (await networks.describeFirewall()).filter((rule) => / -d (10|172|192\.168|100\.64)\./.test(rule));
    expect(rules.map((rule) => rule.replace(/.* -d (\S+) .*-j (\w+).*/, '$1 $2'))).toEqual([
      '10.231.0.0/30 RETURN',
      '10.0.0.0/8 REJECT',
      '172.16.0.0/12 REJECT',
      '192.168.0.0/16 REJECT',
      '100.64.0.0/10 REJECT',
    ]);
  });

  it('shows containers the door and no other service of the host', async () => {
    const { networks, doors } = await make();
    const [one, other] = [await networks.ensure(1), await networks.ensure(2)];
    const [everywhere, local] = [await freePort(), await freePort()];
    const services = [await listen('0.0.0.0', everywhere, 'a service of the host'), await listen('127.0.0.1', local, 'a local service')];
    // Docker publishes a port of another container at the host's addresses: a service of the host as well.
    const outside = await docker.createNetwork({ Name: `outside-${doors.port}`, IPAM: { Driver: 'default', Config: [{ Subnet: '10.233.0.0/24' }] } });
    const published = await freePort();
    const publishing = await docker.createContainer({
      Image: TEST_IMAGES.bash,
      Entrypoint: ['sh', '-c', 'mkdir /www; echo -n published > /www/index.html; exec httpd -f -p 80 -h /www'],
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { NetworkMode: `outside-${doors.port}`, PortBindings: { '80/tcp': [{ HostPort: String(published) }] } },
    });
    containers.push(publishing);
    try {
      await publishing.start();
      const hosts = [
        gatewayOf(one),
        gatewayOf(other),
        ...Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address)),
      ];
      expect(hosts).toContain('10.233.0.1');
      const urls = [...new Set(hosts)].flatMap((address) => [`${address}:${everywhere}`, `${address}:${local}`, `${address}:${published}`]);
      const found = await get(one, ...urls);
      expect(urls.filter((_url, index) => found[index] !== 'closed')).toEqual([]);
      expect(await get(one, `${gatewayOf(one)}:${doors.port}`, `${gatewayOf(other)}:${doors.port}`)).toEqual([`door of ${gatewayOf(one)}`, 'closed']);
      // They are there, also for a container of somebody else: only not for ours.
      const elsewhere = { name: `outside-${doors.port}`, extraHosts: [] };
      expect(await get(elsewhere, `10.233.0.1:${everywhere}`, `10.233.0.1:${published}`)).toEqual(['a service of the host', 'published']);
      expect(await (await fetch(`http://127.0.0.1:${local}`)).text()).toBe('a local service');
    } finally {
      for (const service of services) await closeServer(service);
      await Promise.all(containers.splice(0).map((container) => container.remove({ force: true })));
      await outside.remove();
    }
  });

  it('is closed to link-local and metadata addresses, as the rules in force show', async () => {
    const { networks } = await make();
    const { name } = await networks.ensure(1);
    const bridge: string = (await docker.getNetwork(name).inspect()).Options?.['com.docker.network.bridge.name'] ?? '';
    const rules = await networks.describeFirewall();
    const prefix = bridge.replace(/-.*$/, '-');
    const chain = `SODATE-${prefix.slice(0, -1)}-FWD`;
    const appended = rules.filter((rule) => rule.startsWith(`-A ${chain} `));
    // The whole way of such a packet: FORWARD leads to our chain first, and there the refusal comes before anything lets through.
    const { stdout } = await promisify(execFile)('iptables', ['-w', '10', '-S']);
    const all = stdout.split('\n');
    expect(all.find((line) => line.startsWith('-A FORWARD '))).toBe('-A FORWARD -j DOCKER-USER');
    const jump = all.indexOf(`-A DOCKER-USER -i ${prefix}+ -j ${chain}`);
    expect(jump).toBeGreaterThanOrEqual(0);
    expect(all.slice(0, jump).filter((line) => line.startsWith('-A DOCKER-USER ') && !line.includes('SODATE-'))).toEqual([]);
    const firstReturn = appended.findIndex((rule) => / -j (RETURN|ACCEPT)/.test(rule));
    for (const address of ['169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32']) {
      const at = appended.findIndex((rule) => rule.includes(`-d ${address} -i ${prefix}+ -j REJECT`));
      expect([address, at >= 0 && at < firstReturn]).toEqual([address, true]);
    }
    // With IPv6 off, the other family has no way out at all.
    expect(rules.filter((rule) => rule.startsWith(`IPv6: -A ${chain} `))).toEqual([`IPv6: -A ${chain} -j DROP`]);
    expect(await run(await networks.ensure(1), 'cat /proc/net/if_inet6 | grep -v " lo$" | wc -l')).toBe('0');
  });

  it('outlives the engine, however that ends, and gets its rules back', async () => {
    const { networks, doors, installation } = await make();
    const network = await networks.ensure(1);
    const container = await start(network, 'sleep 1000', 'living');
    for (const end of [engine?.kill, engine?.stop]) {
      await end?.();
      await expect(networks.ensure(1)).rejects.toSatisfy(isEngineUnreachable);
      await expect(networks.refresh()).rejects.toSatisfy(isEngineUnreachable);
      await engine?.start();
      expect((await container.inspect()).State.Running).toBe(true);
      expect(await networks.ensure(1)).toEqual(network);
      expect(await ownNetworks(installation)).toEqual([network.name]);
      expect(await networks.refresh()).toEqual([]);
      expect(await get(network, `sodate:${doors.port}`, `127.0.0.1:${doors.port}`)).toEqual([`door of ${gatewayOf(network)}`, 'closed']);
    }
    const before = await networks.describeFirewall();
    const jump = before.find((rule) => rule.startsWith('-A INPUT ')) ?? '';
    await promisify(execFile)('iptables', ['-w', '10', '-D', ...jump.split(' ').slice(1)]);
    expect(await networks.describeFirewall()).not.toContain(jump);
    await networks.refresh();
    expect((await networks.describeFirewall()).toSorted()).toEqual(before.toSorted());
  });

  it.each<[string, Partial<TenantNetworkOptions>]>([
    ['a range that is none', { addressRange: 'everything' }],
    ['networks without room', { networkLength: 31 }],
    ['no port', { doorPort: 0 }],
    ['an exception that is no network', { allowed: ['registry.example'] }],
  ])('does not begin with %s', async (_what, changes) => {
    await expect(make(changes)).rejects.toThrow(/must|is not/);
  });
});
