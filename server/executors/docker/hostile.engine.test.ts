import { makeTenantThings } from '#api-tests/tenant-things.ts';
import { openTestPlatform } from '#api-tests/test-platform.ts';
import type { Executor, LaunchSpec } from '#executors/executor.ts';
import { makeGit } from '#git/git.ts';
import { systemClock } from '#kit/clock.ts';
import { type JobDoor, makeJobDoor } from '#kit/http/job-door.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import { freePort } from '#kit/testing/free-port.ts';
import { makeStageFolders } from '#staging/staging.ts';
import type { AttemptId, DatasetId, RunId, TenantId } from '@sodate/contract/ids.ts';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from './docker-client.ts';
import type { DockerHandle } from './docker-handle.ts';
import { type DockerHarness, makeDockerHarness, readWholeLog } from './docker-harness.ts';
import { type DockerTenantNetworks, makeTenantNetworks } from './tenant-networks.ts';
import { provideTestEngine, whyNoEngine } from './testing/test-engine.ts';
import { provideTestImages } from './testing/test-images.ts';
import { runText } from '@sodate/contract/run-words.ts';

/**
 * Jobs that mean harm, as root in their containers, on the executor as it is composed: tenants' networks, the door, real
 * staging of a data set out of the real store. Each load is bounded and ends by itself should nothing hold it. No packet
 * goes to an address that is not this machine's.
 */
const whyNot = await whyNoEngine();
const engine = whyNot === null ? await provideTestEngine() : null;

type Job = Partial<Omit<LaunchSpec, 'limits'>> & { readonly script: string; readonly limits?: Partial<LaunchSpec['limits']> };

/** Every file below, with all that a job could have changed about it. */
async function picture(folder: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const info = await lstat(join(folder, name));
    const bytes = info.isFile() ? await readFile(join(folder, name), 'latin1') : '';
    lines.push(`${name} ${info.mode.toString(8)} ${info.uid}:${info.gid} ${info.mtimeMs} ${bytes}`);
  }
  return lines;
}

describe.skipIf(engine === null)(`hostile jobs in containers${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const held: Partial<Awaited<ReturnType<typeof open>>> = {};
  const world = () => held as Awaited<ReturnType<typeof open>>;

  async function open() {
    if (engine === null) throw new Error('There is no engine');
    await provideTestImages(engine.docker);
    const platform = await openTestPlatform();
    const things = makeTenantThings(platform, 'alpha', platform.member.secret);
    const { data } = await things.dataWithFile();
    const dataset = await things.dataset(data);
    // Has locked the data set, and has ended, so that nothing else touches its folders.
    const training = await things.endedTraining(dataset);
    const door: JobDoor = makeJobDoor({ port: await freePort() });
    await door.serve(platform.platform.app);
    // The main port as it is with SODATE_HOST=0.0.0.0.
    const everywhere: Server = createServer((request, response) => platform.platform.app.routing(request, response)).listen(0, '0.0.0.0');
    await once(everywhere, 'listening');
    const harness: DockerHarness = await makeDockerHarness(engine);
    const { installation } = harness.options();
    const networks: DockerTenantNetworks = await makeTenantNetworks({
      engine: openEngine(engine.host),
      installation,
      addressRange: '10.231.0.0/16',
      networkLength: 24,
      platformHost: 'sodate',
      doorPort: door.port,
      deny: 'link-local',
      allowed: [],
      onGateway: door.listenOn,
      onGatewayGone: door.leave,
    });
    const { folder } = platform.home;
    const { db } = platform.database;
    const objectStore = makeFileSystemObjectStore({ home: folder });
    const git = makeGit({
      db,
      folder: join(folder, 'git'),
      gitRoot: platform.gitRoot,
      clock: systemClock,
      log: silentLog,
      sealed: makeSealedSecrets(Buffer.alloc(32)),
    });
    const staging = makeStageFolders({ db, git, objectStore, home: folder, timeZone: 'Asia/Tokyo' });
    const executor: Executor<DockerHandle> = await harness.openWith({ networks, stage: staging, mountRoots: [folder], platformHost: 'sodate' });
    return {
      platform,
      dataset: dataset.id as DatasetId,
      door,
      harness,
      networks,
      executor,
      folder,
      run: training.id as RunId,
      token: await platform.attemptTokenOf((await things.liveTask()).id),
      mainPort: (everywhere.address() as AddressInfo).port,
      async close() {
        await harness.close();
        await networks.close({ remove: true });
        await door.close();
        everywhere.closeAllConnections();
        everywhere.close();
        await Promise.all([staging.close(), objectStore.close()]);
        await platform.close();
      },
    };
  }

  beforeAll(async () => {
    Object.assign(held, await open());
  });
  afterAll(async () => {
    await held.close?.();
    await engine?.close();
  });

  const specOf = ({ script, limits, ...more }: Job): LaunchSpec => {
    const { harness, run, dataset, platform } = world();
    const spec = harness.spec({ command: { kind: 'script', text: script } });
    return {
      ...spec,
      attempt: newId<AttemptId>(),
      run,
      tenant: platform.tenant.id as TenantId,
      stagePlan: {
        items: [
          { name: 'dataset', kind: 'dataset', dataset },
          { name: 'output', kind: 'run-folder', run, folder: 'output' },
          { name: 'tmp', kind: 'scratch' },
        ],
      },
      mounts: [
        { item: 'dataset', subfolder: 'input', target: '/kqi/input', readOnly: true },
        { item: 'dataset', subfolder: 'raw', target: '/kqi/raw', readOnly: true },
        { item: 'output', target: '/kqi/output', readOnly: false },
        { item: 'tmp', target: '/kqi/tmp', readOnly: false },
      ],
      ...more,
      limits: { ...spec.limits, ...limits },
    };
  };
  const start = (spec: LaunchSpec): Promise<DockerHandle> => world().executor.start(spec, new AbortController().signal);
  async function ended(handle: DockerHandle) {
    for (;;) {
      const seen = await world().executor.observe(handle);
      if (seen.state === 'exited') return seen.exit;
      if (seen.state === 'gone') throw new Error(runText(seen.reason));
      await systemClock.sleep(30);
    }
  }
  /** Runs it to its end, and removes it. */
  async function run(job: Job) {
    const handle = await start(specOf(job));
    try {
      const exit = await ended(handle);
      return { exit, log: (await readWholeLog(world().executor, handle)).toString('latin1').trim() };
    } finally {
      await world().executor.remove(handle);
    }
  }
  /** Each line is a command; what succeeded is answered. */
  async function whatWorks(commands: readonly string[], job: Omit<Job, 'script'> = {}): Promise<readonly string[]> {
    const script = commands.map((command, index) => `( ${command} ) >/dev/null 2>&1 </dev/null && echo "worked ${index}"`).join('\n');
    const { log, exit } = await run({ ...job, script: `${script}\necho done` });
    expect([exit.code, log.split('\n').at(-1)]).toEqual([0, 'done']);
    return log.split('\n').flatMap((line) => commands[Number(/^worked (\d+)$/.exec(line)?.[1])] ?? []);
  }

  describe('the platform', () => {
    const ask = (path: string, secret: string | null, more = ''): string =>
      `timeout 5 wget -S -q -O - ${secret === null ? '' : `--header='Authorization: Bearer ${secret}'`} ${more} http://sodate:${world().door.port}${path} 2>&1`;

    it('serves a job by its token, at its name in the network', async () => {
      const { platform, token } = world();
      const { log } = await run({ script: ask('/v1/me', token) });
      expect(log).toContain('HTTP/1.1 200 OK');
      expect(log).toContain(`"name":"${platform.member.name}"`);
    });

    it('serves there neither people, nor sign-ins, nor pages', async () => {
      const { platform } = world();
      const personal = await platform.makeToken(platform.admin, 'alpha');
      const expected: readonly [string, number][] = [
        [ask('/v1/me', platform.systemAdmin.secret), 401],
        [ask('/v1/me', personal.secret), 401],
        [ask('/v1/users', platform.systemAdmin.secret), 401],
        [ask('/v1/me', null, `--header='Cookie: sodate_session=${platform.systemAdmin.secret}'`), 401],
        [ask('/v1/me', null), 401],
        [ask('/v1/session', null, `--header='Content-Type: application/json' --post-data='{"name":"admin","password":"a password of the first admin"}'`), 404],
        [ask('/', null), 404],
        [ask('/v1/openapi.json', null), 404],
      ];
      const { log } = await run({ script: expected.map(([command]) => `${command} | grep -m1 HTTP/1.1`).join('\n') });
      expect(log.split('\n').map((line) => Number(/HTTP\/1\.1 (\d+)/.exec(line)?.[1]))).toEqual(expected.map(([, status]) => status));
    });

    it('is closed at its main port, wherever that listens, and at the doors of others', async () => {
      const { door, mainPort, networks, platform, token } = world();
      const own = (await networks.ensure(1)).extraHosts[0]?.split(':')[1] ?? '';
      const other = (await networks.ensure(2)).extraHosts[0]?.split(':')[1] ?? '';
      const get = (host: string, port: number | string): string =>
        `timeout 5 wget -q -O /dev/null --header='Authorization: Bearer ${token}' http://${host}:${port}/v1/health`;
      const local = new URL(platform.url).port;
      const closed = ['127.0.0.1', own, other].flatMap((host) => [get(host, mainPort), get(host, local)]);
      const open = get(own, door.port);
      expect(await whatWorks([...closed, get('127.0.0.1', door.port), get(other, door.port), open])).toEqual([open]);
      // It is there, for those who may.
      expect((await fetch(`http://127.0.0.1:${mainPort}/v1/health`)).status).toBe(200);
    });

    it('has its database and every other service of the host closed', async () => {
      const { platform, networks } = world();
      const own = (await networks.ensure(1)).extraHosts[0]?.split(':')[1] ?? '';
      const service = createTcpServer((socket) => socket.end('hello')).listen(0, '0.0.0.0');
      await once(service, 'listening');
      const { port } = service.address() as AddressInfo;
      const ports = [port, 22, 111, 2375, 2376, 5432, ...('port' in platform.database.address ? [Number(platform.database.address.port)] : [])];
      const connect = (host: string, to: number): string => `timeout 5 nc ${host} ${to}`;
      const open = connect('sodate', world().door.port);
      expect(await whatWorks([...['127.0.0.1', own].flatMap((host) => ports.map((to) => connect(host, to))), open])).toEqual([open]);
      service.close();
    });
  });

  describe('another tenant', () => {
    it('is not reached, by name or by address, while a neighbour of the same tenant is', async () => {
      const { executor, networks } = world();
      await networks.ensure(2);
      const serving = specOf({ script: 'mkdir /www; echo secret > /www/index.html; echo ready; exec httpd -f -p 8000 -h /www' });
      const handle = await start(serving);
      try {
        const container = await engine?.docker.getContainer(handle.container ?? '').inspect();
        const address = Object.values(container?.NetworkSettings.Networks ?? {})[0]?.IPAddress;
        const name = container?.Name.slice(1);
        expect(address).toMatch(/^10\.231\./);
        const commands = [name, address].map((host) => `for try in 1 2 3 4 5 6; do timeout 3 wget -q -O - http://${host}:8000 && exit 0; done; exit 1`);
        expect(await whatWorks(commands)).toEqual(commands);
        expect(await whatWorks(commands, { tenantNumber: 2 })).toEqual([]);
      } finally {
        await executor.remove(handle);
      }
    });

    it('is not pretended to be: no raw packets, no other addresses, no routes', async () => {
      const found = await whatWorks([
        'ip address add 169.254.169.254/32 dev eth0',
        'ip link set eth0 address 02:42:0a:e7:00:07',
        'ip link set eth0 promisc on',
        'ip route add 10.231.0.0/16 dev eth0',
        'ip link add fresh type bridge',
        // What it would tell its neighbours is true.
        'arping -U -c 1 -I eth0 $(ip -4 address show eth0 | sed -n "s/.*inet \\([0-9.]*\\).*/\\1/p")',
        'echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6',
      ]);
      expect(found).toEqual([]);
    });
  });

  describe('the engine and the machine', () => {
    it('show no socket, no device and no process of the host', async () => {
      const { log } = await run({
        script: [
          'find / -xdev \\( -name "docker*.sock" -o -name "containerd*.sock" \\) 2>/dev/null',
          'for place in /var/run /run /host /kqi; do find $place -type s 2>/dev/null; done',
          'grep -E "docker.sock|containerd.sock" /proc/self/mountinfo',
          'find /dev -type b',
          'for entry in /proc/[0-9]*; do cat $entry/comm; done 2>/dev/null | grep -E "dockerd|containerd|node|postgres"',
          'echo done',
        ].join('\n'),
      });
      expect(log).toBe('done');
    });

    it('give a job no way out of its container, though it is root there', async () => {
      // What would be written to the machine is what is there already: nothing is harmed should one of them work.
      const again = (file: string): string => `cat ${file} > ${file}`;
      const found = await whatWorks([
        'test "$(id -u)" = 0',
        'mknod /kqi/tmp/disk b 8 0',
        'mknod /kqi/output/memory c 1 1',
        'mkdir -p /kqi/tmp/1 && mount -t tmpfs none /kqi/tmp/1',
        'mkdir -p /kqi/tmp/2 && mount --bind / /kqi/tmp/2',
        'mkdir -p /kqi/tmp/3 && mount -t proc none /kqi/tmp/3',
        'mount -o remount,rw,bind /kqi/input',
        'umount /kqi/input',
        'unshare -m true',
        'unshare -U true',
        again('/proc/sys/kernel/core_pattern'),
        again('/proc/sys/kernel/panic'),
        again('/proc/sys/vm/overcommit_memory'),
        'echo h > /proc/sysrq-trigger',
        'test -d /sys/fs/cgroup',
        'for file in $(find /sys/fs/cgroup -name release_agent -o -name "*limit_in_bytes" -o -name memory.max); do cat $file > $file && exit 0; done; exit 1',
        'find /sys -type f -name uevent -maxdepth 5 | head -n 20 | while read file; do echo change > $file && echo written; done | grep -q written',
        'head -c 1 /proc/kcore | grep -q .',
        'test -e /dev/mem -o -e /dev/kmsg -o -e /dev/sda -o -e /dev/vda',
        'date -s "$(date "+%Y-%m-%d %H:%M:%S")" 2>&1 | grep -v "not permitted" | grep -qv "^[A-Z][a-z][a-z] "',
        'hostname other',
      ]);
      expect(found).toEqual(['test "$(id -u)" = 0', 'test -d /sys/fs/cgroup']);
    });
  });

  describe('the store', () => {
    it('is not changed through the read-only folders that its files are linked into', async () => {
      const { folder } = world();
      const [objects, staged] = [join(folder, 'objects'), join(folder, 'staged')];
      // Staged once before, so that what is compared is only what the job did.
      await run({ script: 'true' });
      const before = await Promise.all([objects, staged].map(picture));
      expect(before.flat().some((line) => line.endsWith(' 8 bytes!'))).toBe(true);
      const file = '$(find /kqi/raw /kqi/input -type f ! -name meta.json | head -n 1)';
      const reading = `test "$(cat ${file})" = "8 bytes!"`;
      const found = await whatWorks([
        reading,
        `echo harm > ${file}`,
        `echo harm >> ${file}`,
        `dd if=/dev/zero of=${file} bs=1 count=1 conv=notrunc`,
        `truncate -s 0 ${file}`,
        `chmod 777 ${file}`,
        `chown 1:1 ${file}`,
        `touch ${file}`,
        `rm -f ${file}`,
        `mv ${file} /kqi/output/stolen`,
        `mv ${file} ${file}.new`,
        `ln ${file} /kqi/output/linked`,
        `ln ${file} /kqi/tmp/linked`,
        `ln ${file} /kqi/raw/linked`,
        'echo harm > /kqi/input/new',
        'echo harm > /kqi/input/meta.json',
        'rm -rf /kqi/input /kqi/raw',
        'mkdir /kqi/raw/new',
        `test -e ${folder}`,
        'ls /kqi/raw/../../objects /kqi/input/../../../objects',
        `ln -s ${objects} /kqi/output/way && ls /kqi/output/way/`,
        'test -n "$(ls /proc/1/root/work /proc/1/cwd/../../../objects)"',
      ]);
      expect(found).toEqual([reading]);
      expect(await Promise.all([objects, staged].map(picture))).toEqual(before);
    });

    it("shows a job nothing of the platform's home but its own folders", async () => {
      const { folder } = world();
      const { log } = await run({ script: 'cut -d" " -f4,5 /proc/self/mountinfo' });
      const fromHome = log.split('\n').filter((line) => line.includes(folder) || / \/kqi\//.test(line));
      expect(fromHome.map((line) => line.split(' ')[1]).toSorted()).toEqual(['/kqi/input', '/kqi/output', '/kqi/raw', '/kqi/scripts/main', '/kqi/tmp']);
      expect(await whatWorks([`cat ${join(folder, 'key')}`, `ls ${folder}`, 'find / -xdev -name server-id | grep -q .'])).toEqual([]);
    });
  });

  describe('a load without end', () => {
    it('of processes stops at the limit, and hurts nobody else', async () => {
      const { executor } = world();
      // 2,000 at most, each of which ends by itself.
      const bomb = specOf({ script: 'i=0; while [ $i -lt 2000 ]; do sleep 20 & i=$((i+1)); done; wait', image: 'sodate-test/sh:1', limits: { pids: 64 } });
      const handle = await start(bomb);
      try {
        const counts: number[] = [];
        const count = async (): Promise<number> => {
          const stats = await engine?.docker.getContainer(handle.container ?? '').stats({ stream: false, 'one-shot': true });
          counts.push(stats?.pids_stats?.current ?? 0);
          return Math.max(...counts);
        };
        const { state } = await executor.observe(handle);
        if (state === 'running')
          await expect.poll(async () => (await executor.observe(handle)).state === 'exited' || (await count()) >= 60, { timeout: 15_000 }).toBe(true);
        expect(Math.max(0, ...counts)).toBeLessThanOrEqual(64);
        expect((await run({ script: 'echo fine' })).log).toBe('fine');
        await executor.stop(handle, 'kill');
        const exit = await ended(handle);
        expect((await readWholeLog(executor, handle)).toString()).toMatch(/can't fork|Resource temporarily unavailable/i);
        expect(exit.code).not.toBe(0);
      } finally {
        await executor.remove(handle);
      }
    });

    it('of memory ends at the limit, in its own class', async () => {
      // bash takes the code of the program that was killed.
      const script = 'head -c 400000000 /dev/zero | tail -c 390000000 > /dev/null; code=${PIPESTATUS[1]:-137}; sleep 1; exit $code';
      const { exit } = await run({ script, limits: { memoryBytes: 64 * 2 ** 20 } });
      expect([exit.code, exit.failure?.class]).toEqual([137, 'out-of-memory']);
      expect((await run({ script: 'echo fine' })).log).toBe('fine');
    });

    it('of shared memory fills half of the limit, and no more', async () => {
      const { log } = await run({
        script: 'dd if=/dev/zero of=/dev/shm/full bs=1M count=400 2>&1 | grep -o "No space left on device"; du -m /dev/shm/full | cut -f1',
        limits: { memoryBytes: 64 * 2 ** 20 },
      });
      const [said, size] = log.split('\n');
      expect(said).toBe('No space left on device');
      expect(Number(size)).toBeLessThanOrEqual(32);
    });

    it('of files and of log gives its disk back when the attempt is removed', async () => {
      const { executor } = world();
      /** Mebibytes of the engine's own folder: the disk is everybody's. Files may go while it counts. */
      const taken = async (): Promise<number> => {
        const { stdout } = await promisify(execFile)('du', ['-sxm', engine?.folder ?? '/']).catch((error: { readonly stdout: string }) => error);
        return Number.parseInt(stdout, 10);
      };
      const before = await taken();
      const handle = await start(
        specOf({ script: 'dd if=/dev/zero of=/filler bs=1M count=200 2>/dev/null; sync; head -c 60000000 /dev/zero | tr "\\0" "y"; echo' }),
      );
      expect((await ended(handle)).code).toBe(0);
      expect(await taken()).toBeGreaterThan(before + 150);
      await executor.remove(handle);
      await expect.poll(taken).toBeLessThan(before + 50);
    });

    it('of connections to the platform leaves the other tenants theirs', async () => {
      const { door, executor, networks, token } = world();
      await networks.ensure(2);
      const flood = specOf({
        script: `i=0; while [ $i -lt 1200 ]; do sleep 25 | nc sodate ${door.port} & i=$((i+1)); done; echo flooding; sleep 25`,
        image: 'sodate-test/bash:1',
        limits: { pids: 3000, memoryBytes: 1024 * 2 ** 20 },
      });
      const handle = await start(flood);
      try {
        await expect
          .poll(async () => (await readSoFar(executor, handle)).includes('flooding') || (await executor.observe(handle)).state === 'exited', {
            timeout: 40_000,
          })
          .toBe(true);
        const { log } = await run({
          script: `timeout 10 wget -q -O - --header='Authorization: Bearer ${token}' http://sodate:${door.port}/v1/me`,
          tenantNumber: 2,
        });
        expect(log).toContain('"name":"mel"');
      } finally {
        await executor.stop(handle, 'kill');
        await executor.remove(handle);
      }
    });
  });
});

/** What a running job has written until now. */
async function readSoFar(executor: Executor<DockerHandle>, handle: DockerHandle): Promise<string> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 500);
  let text = '';
  try {
    for await (const { bytes } of executor.followLog?.(handle, { offset: 0, engineTime: null, entriesAtTime: 0 }, stop.signal) ?? [])
      text += Buffer.from(bytes).toString();
  } catch {
    // Cut off by us.
  } finally {
    clearTimeout(timer);
  }
  return text;
}
