import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { systemClock } from '#kit/clock.ts';

/**
 * A private Docker Engine for tests: nothing of the machine's own engine, its images or its bridge is touched.
 *
 * One at a time on a machine, guarded by a lock: two engines would rewrite each other's firewall chains (DOCKER, DOCKER-USER),
 * which have fixed names. Test files of several workers therefore take turns. A shared engine with a count of its users was
 * the alternative; but tests kill the engine and empty its image cache, which no other test should meet.
 *
 * The lock belongs to a small process that ends with this one. Whoever takes it after a crash removes what was left first.
 */
export interface TestEngine {
  /** `unix:///…/docker.sock`, as DOCKER_HOST has it. */
  readonly host: string;
  readonly socket: string;
  readonly docker: Docker;
  /** The engine's folder; tests may put files beside its own. */
  readonly folder: string;
  /** SIGKILL, as the OOM killer would. Containers go on. */
  kill(): Promise<void>;
  /** SIGTERM, and until it has ended. Containers go on. */
  stop(): Promise<void>;
  /** After `kill` or `stop`. */
  start(): Promise<void>;
  /** Ends everything that runs in it, the engine, and every trace of it. */
  close(): Promise<void>;
}

const run = promisify(execFile);
const FOLDER = join(tmpdir(), 'sodate-test-engine');
const LOCK = `${FOLDER}.lock`;
const SOCKET = join(FOLDER, 'docker.sock');
const PIDFILE = join(FOLDER, 'docker.pid');
const CONTAINERD_PIDFILE = join(FOLDER, 'exec/containerd/containerd.pid');
const BEFORE = join(FOLDER, 'before.json');
/** All that its containers have, so that what a killed engine leaves of them can be taken away. */
const CONTROL_GROUP = 'sodate-test-engine';
const CONTROL_GROUPS = '/sys/fs/cgroup';
const LINKS = '/sys/class/net';
const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward';
const PATIENCE_MS = 30_000;
/** A port of loopback on which nothing listens: names outside this machine fail at once, and no packet leaves it. */
const NO_PROXY_THERE = 'http://127.0.0.1:9';

const has = (program: string): boolean => ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, program)));

/** The engine, or why none can be started on this machine: for the name of a skipped suite. */
export async function engineOrReason(): Promise<TestEngine | string> {
  if (process.platform !== 'linux') return 'containers need Linux';
  if (process.getuid?.() !== 0) return 'a Docker engine of its own needs root';
  const missing = ['dockerd', 'containerd', 'runc', 'iptables', 'flock', 'busybox'].find((program) => !has(program));
  if (missing !== undefined) return `${missing} is not installed`;
  try {
    return await provideTestEngine();
  } catch (error) {
    return `dockerd does not start here: ${(error as Error).message.split('\n').at(-1)}`;
  }
}

/** As `engineOrReason`, where the engine itself is wanted later: null when it can be started. */
export async function whyNoEngine(): Promise<string | null> {
  const engine = await engineOrReason();
  if (typeof engine === 'string') return engine;
  await engine.close();
  return null;
}

const until = async (what: string, ask: () => Promise<boolean>): Promise<void> => {
  const deadline = systemClock.now().getTime() + PATIENCE_MS;
  while (!(await ask())) {
    if (systemClock.now().getTime() > deadline) throw new Error(`Waited in vain until ${what}`);
    await systemClock.sleep(20);
  }
};

/** Held by a process that waits for our end of a pipe: however we die, the lock is free. */
async function takeLock(): Promise<ChildProcess> {
  const holder = spawn('flock', [LOCK, 'sh', '-c', 'echo taken; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('exit', (code) => reject(new Error(`flock ended with code ${code}`)));
  });
  return holder;
}

const releaseLock = (holder: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    holder.once('exit', () => resolve());
    holder.stdin?.end();
  });

/** For tests of the machine's own firewall: until it is let go, no engine rewrites its chains. */
export async function keepEnginesAway(): Promise<() => Promise<void>> {
  if (!has('flock')) return async () => {};
  const lock = await takeLock();
  return () => releaseLock(lock);
}

/** Processes whose program or arguments are of this engine: dockerd, containerd, and the shims that outlive both. */
async function engineProcesses(): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const words = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const program = await readlink(`/proc/${name}/exe`).catch(() => '');
    const isOfEngine = /(dockerd|containerd|containerd-shim.*|docker-proxy)$/.test(program) && words.some((word) => word.includes(`${FOLDER}/`));
    if (isOfEngine || (await livesInImage(name))) found.push(Number(name));
  }
  return found;
}

/** A start that a killed engine has left unfinished waits for ever, with no shim around it; its root is a layer of ours. */
const livesInImage = async (pid: string): Promise<boolean> =>
  (await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')).split('\n').some((mount) => / \/ \/ /.test(mount) && mount.includes(`=${FOLDER}/data/`));

const isContainerd = (pid: number): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/exe`).endsWith('/containerd');
  } catch {
    return false;
  }
};

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const iptables = async (...words: string[]): Promise<string> => (await run('iptables', ['--wait', ...words])).stdout;
/** The machine's own rules, so that exactly what the engine adds can be taken away again. */
interface Before {
  readonly ipForward: string;
  readonly links: readonly string[];
  readonly rules: Readonly<Record<string, readonly string[]>>;
  /** Chains of tenants' networks, by program; absent in what an older run of these tests left behind. */
  readonly ours?: Readonly<Record<string, readonly string[]>>;
}
const TABLES = ['filter', 'nat'];
/** What whole servers leave for their jobs when they end. Only names as installations have them: other tests have others. */
const OUR_CHAIN = /^-N (SODATE-sd[0-9a-f]{6}-(?:IN|FWD))$/;
const FIREWALLS = ['iptables', 'ip6tables'];
const listRules = async (program: string): Promise<string[]> => (await run(program, ['--wait', '-S']).catch(() => ({ stdout: '' }))).stdout.trim().split('\n');
const ourChains = (rules: readonly string[]): string[] => rules.flatMap((rule) => OUR_CHAIN.exec(rule)?.[1] ?? []);

async function removeOurChains(before: NonNullable<Before['ours']>): Promise<void> {
  for (const program of FIREWALLS) {
    const rules = await listRules(program);
    const chains = ourChains(rules).filter((chain) => !before[program]?.includes(chain));
    const jumps = rules.filter((rule) => chains.some((chain) => rule.endsWith(` -j ${chain}`)));
    for (const jump of jumps) await run(program, ['--wait', '-D', ...jump.split(' ').slice(1)]).catch(() => {});
    for (const command of ['-F', '-X']) for (const chain of chains) await run(program, ['--wait', command, chain]).catch(() => {});
  }
}

const readRules = async (table: string): Promise<string[]> => (await iptables('-t', table, '-S')).trim().split('\n');

async function noteBefore(): Promise<void> {
  const rules = Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, await readRules(table)] as const)));
  const ours = Object.fromEntries(await Promise.all(FIREWALLS.map(async (program) => [program, ourChains(await listRules(program))] as const)));
  const before: Before = { ipForward: (await readFile(IP_FORWARD, 'utf8')).trim(), links: await readdir(LINKS), rules, ours };
  await writeFile(BEFORE, JSON.stringify(before));
}

async function restoreBefore(): Promise<void> {
  const text = await readFile(BEFORE, 'utf8').catch(() => null);
  if (text === null) return;
  const before = JSON.parse(text) as Before;
  // An engine that was killed leaves its bridges, and the rules that name them.
  const links = (await readdir(LINKS)).filter((name) => !before.links.includes(name));
  const bridges = links.filter((name) => existsSync(join(LINKS, name, 'bridge')));
  for (const name of links.filter((each) => bridges.includes(each) || each.startsWith('veth'))) await run('ip', ['link', 'delete', name]).catch(() => {});
  await removeOurChains(before.ours ?? {});
  for (const table of TABLES) {
    const old = before.rules[table] ?? [];
    const added = (await readRules(table)).filter((rule) => !old.includes(rule));
    const isOfDocker = (rule: string): boolean => /DOCKER|127\.0\.0\.11|MASQUERADE/.test(rule) || bridges.some((name) => rule.includes(` ${name} `));
    const chains = added.filter((rule) => rule.startsWith('-N DOCKER')).map((rule) => rule.split(' ')[1] ?? '');
    for (const rule of added.filter((each) => each.startsWith('-A') && isOfDocker(each))) {
      await run('sh', ['-c', `iptables --wait -t ${table} ${rule.replace(/^-A/, '-D')}`]).catch(() => {});
    }
    for (const chain of chains) await iptables('-t', table, '-F', chain).catch(() => {});
    for (const chain of chains) await iptables('-t', table, '-X', chain).catch(() => {});
    for (const policy of old.filter((rule) => rule.startsWith('-P'))) await iptables('-t', table, ...policy.split(' '));
  }
  await writeFile(IP_FORWARD, before.ipForward);
}

/** Of each controller's hierarchy, or of the one that there is. Those with processes in them stay. */
async function removeControlGroups(): Promise<void> {
  const parents = ['.', ...(await readdir(CONTROL_GROUPS))].map((hierarchy) => join(CONTROL_GROUPS, hierarchy, CONTROL_GROUP));
  for (const parent of parents) {
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) await rmdir(join(parent, entry.name)).catch(() => {});
    await rmdir(parent).catch(() => {});
  }
}

/** Whatever state the engine is in: ends its processes, its mounts, its rules and its folder. */
async function clearAway(): Promise<void> {
  await until('the engine and its shims are dead', async () => {
    const left = await engineProcesses();
    for (const pid of left) signal(pid, 'SIGKILL');
    return left.length === 0;
  });
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((path) => path.startsWith(`${FOLDER}/`)).toReversed()) await run('umount', ['--lazy', mount]).catch(() => {});
  await removeControlGroups();
  await restoreBefore();
  await rm(FOLDER, { recursive: true, force: true });
}

const startEngine = async (): Promise<ChildProcess> => {
  const daemon = spawn(
    'dockerd',
    [
      `--host=unix://${SOCKET}`,
      `--data-root=${join(FOLDER, 'data')}`,
      `--exec-root=${join(FOLDER, 'exec')}`,
      `--pidfile=${PIDFILE}`,
      `--config-file=${join(FOLDER, 'daemon.json')}`,
      '--bridge=none',
      '--live-restore',
      '--exec-opt=native.cgroupdriver=cgroupfs',
      `--cgroup-parent=/${CONTROL_GROUP}`,
      '--log-level=warn',
      '--group=root',
      '--default-address-pool=base=10.213.0.0/16,size=24',
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HTTP_PROXY: NO_PROXY_THERE,
        HTTPS_PROXY: NO_PROXY_THERE,
        NO_PROXY: '127.0.0.0/8,localhost',
      },
    },
  );
  let said = '';
  daemon.stderr.on('data', (bytes: Buffer) => (said = `${said}${bytes.toString()}`.slice(-4000)));
  let failed: Error | null = null;
  daemon.once('error', (error) => (failed = error));
  const docker = new Docker({ socketPath: SOCKET });
  await until('dockerd answers', async () => {
    if (failed !== null) throw failed;
    if (daemon.exitCode !== null) throw new Error(`dockerd ended with code ${daemon.exitCode}: ${said}`);
    return docker.ping().then(
      () => true,
      () => false,
    );
  });
  return daemon;
};

const ended = (daemon: ChildProcess): Promise<boolean> => Promise.resolve(daemon.exitCode !== null || daemon.signalCode !== null);

/** Waits until no other test on this machine has an engine: minutes, when whole suites run. So call it at the top of a file, not in a hook. */
export async function provideTestEngine(): Promise<TestEngine> {
  const lock = await takeLock();
  try {
    await clearAway();
    await mkdir(FOLDER, { recursive: true, mode: 0o711 });
    await writeFile(join(FOLDER, 'daemon.json'), '{}');
    await noteBefore();
    let daemon = await startEngine();
    const docker = new Docker({ socketPath: SOCKET });
    const end = async (name: NodeJS.Signals): Promise<void> => {
      daemon.kill(name);
      await until(`dockerd has ended after ${name}`, () => ended(daemon));
      if (name !== 'SIGKILL') return;
      // containerd dies with its parent. Where the first process of the machine reaps nobody, both stay as zombies, whose
      // pid files would tell the next engine that they still run.
      await until('containerd has ended', async () => (await engineProcesses()).every((pid) => !isContainerd(pid)));
      await rm(PIDFILE, { force: true });
      await rm(CONTAINERD_PIDFILE, { force: true });
    };
    return {
      host: `unix://${SOCKET}`,
      socket: SOCKET,
      docker,
      folder: FOLDER,
      kill: () => end('SIGKILL'),
      stop: () => end('SIGTERM'),
      async start() {
        daemon = await startEngine();
      },
      async close() {
        try {
          if (!(await ended(daemon))) {
            const containers = await docker.listContainers({ all: true });
            await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
            await docker.pruneNetworks();
            await end('SIGTERM');
          }
        } finally {
          await clearAway();
          await releaseLock(lock);
        }
      },
    };
  } catch (error) {
    await clearAway();
    await releaseLock(lock);
    throw error;
  }
}
