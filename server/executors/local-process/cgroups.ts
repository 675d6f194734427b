import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import type { Capabilities, LaunchSpec } from '../executor.ts';
import { type CgroupTree, type Controller, CONTROLLERS, findCgroupTrees, groupsUpward } from './cgroup-mounts.ts';
import { signalProcess } from './process-table.ts';

/**
 * One group per attempt and tree, `sodate-<platform>/<attempt>`: limits, the OOM counter, and the surest way to find
 * every process of a job. Used where this user may make groups; elsewhere nothing is enforced, and said so.
 */
export interface Cgroups {
  readonly enforces: Capabilities['enforces'];
  /** The groups above those of attempts. */
  readonly folders: readonly string[];
  /**
   * Idempotent. Answers the limits for the monitor, which sets them (see MONITOR): that costs a shell a twentieth of what it
   * costs Node.
   */
  create(attempt: AttemptId, limits: LaunchSpec['limits']): readonly string[];
  /** Sends SIGKILL to all that is in the group, after forbidding it to fork. Answers how many it found. */
  kill(attempt: AttemptId): Promise<number>;
  remove(attempt: AttemptId): Promise<void>;
  /** Removes our own group above those of attempts when there is none left. */
  close(): Promise<void>;
}

/** The sandbox's own processes in the group: bubblewrap and the first process inside. */
const OWN_PROCESSES = 2;
/** Scheduling period; the kernel refuses quotas under 1 ms. */
const CPU_PERIOD_MICROSECONDS = 100_000;
const MINIMUM_CPU_QUOTA_MICROSECONDS = 1000;
/** A group whose last process has just died may be busy for some milliseconds. */
const REMOVE_TRIES = 100;
const REMOVE_PAUSE_MS = 10;

interface Tree extends CgroupTree {
  /** `…/sodate-<platform>` */
  readonly folder: string;
}

export function readCgroupTrees(): CgroupTree[] {
  try {
    return findCgroupTrees({
      mountInfo: readFileSync('/proc/self/mountinfo', 'utf8'),
      ownGroups: readFileSync('/proc/self/cgroup', 'utf8'),
      controllersAt: (mountPoint) => {
        try {
          return readFileSync(join(mountPoint, 'cgroup.controllers'), 'utf8');
        } catch {
          return '';
        }
      },
    });
  } catch {
    return [];
  }
}

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Version 2 offers a controller below a group only when the group's subtree_control says so. */
async function offerControllers(folder: string, controllers: readonly Controller[]): Promise<Controller[]> {
  const file = join(folder, 'cgroup.subtree_control');
  for (const controller of controllers) {
    if (!(await read(file)).split(/\s+/).includes(controller)) await writeFile(file, `+${controller}`).catch(() => {});
  }
  const offered = (await read(file)).split(/\s+/);
  return controllers.filter((controller) => offered.includes(controller));
}

/** Whether a process of ours may really enter a group in there; permissions alone do not tell (delegation, namespaces). */
async function canEnter(folder: string): Promise<boolean> {
  const probe = join(folder, `probe-${process.pid}`);
  try {
    await mkdir(probe, { recursive: true });
    // Of servers that were killed right here. Nothing is in them, and the group above goes only when they are gone.
    for (const name of await readdir(folder)) {
      if (/^probe-[0-9]+$/.test(name) && !existsSync(`/proc/${name.slice('probe-'.length)}`)) await rmdir(join(folder, name)).catch(() => {});
    }
    const child = spawn('/bin/sh', ['-c', 'echo 0 >"$1"', 'sh', join(probe, 'cgroup.procs')], { stdio: 'ignore', env: {} });
    const code = await new Promise<number | null>((resolve) => child.once('error', () => resolve(null)).once('exit', resolve));
    return code === 0;
  } catch {
    return false;
  } finally {
    await rmdir(probe).catch(() => {});
  }
}

/**
 * A server that is killed closes nothing, so the group above those of attempts goes with the last of them. Not in version
 * 2, where making it again means offering the controllers again.
 */
function removeIfEmpty({ version, folder }: Tree): void {
  if (version !== 1) return;
  try {
    rmdirSync(folder);
  } catch {
    // Others have groups in it, or it is gone.
  }
}

async function openTree(tree: CgroupTree, platform: string, isRoot: boolean): Promise<Tree | null> {
  const upward = groupsUpward(tree);
  // Root takes the top: a place that does not end with the server's own group. Others take what was delegated to them.
  // In version 2 the own group itself cannot be used, because a group with processes may not have limited children.
  const top = upward.at(-1) ?? tree.mountPoint;
  const candidates = isRoot ? [top, ...upward] : tree.version === 2 ? upward.slice(1) : upward;
  for (const base of candidates) {
    // The monitor gets these paths in one argument, split at spaces.
    if (/\s/.test(base)) continue;
    const folder = join(base, `sodate-${platform}`);
    try {
      let { controllers } = tree;
      if (tree.version === 2) controllers = await offerControllers(base, controllers);
      if (controllers.length === 0) continue;
      await mkdir(folder, { recursive: true });
      if (tree.version === 2) controllers = await offerControllers(folder, controllers);
      if (controllers.length > 0 && (await canEnter(folder))) return { ...tree, controllers, folder };
      await rmdir(folder).catch(() => {});
    } catch {
      // Not writable: the next candidate.
    }
  }
  return null;
}

export async function openCgroups(platform: string, clock: Clock): Promise<Cgroups | null> {
  const isRoot = process.getuid?.() === 0;
  const opened = await Promise.all(readCgroupTrees().map((tree) => openTree(tree, platform, isRoot)));
  const trees = opened.filter((tree) => tree !== null);
  if (trees.length === 0) return null;
  trees.forEach(removeIfEmpty);
  const treeWith = (controller: Controller): Tree | undefined => trees.find((tree) => tree.controllers.includes(controller));
  const groupsOf = (attempt: AttemptId): string[] => trees.map((tree) => join(tree.folder, attempt));

  const limitsOf = ({ memoryBytes, cpuMilli, pids }: LaunchSpec['limits']): string[] => {
    const quota = Math.max(MINIMUM_CPU_QUOTA_MICROSECONDS, Math.round((cpuMilli * CPU_PERIOD_MICROSECONDS) / 1000));
    const files: Record<Controller, Record<1 | 2, readonly string[]>> = {
      // Version 1 counts memory and swap together in a second limit; kernels may be built or booted without it.
      memory: {
        1: [`memory.limit_in_bytes=${memoryBytes}`, `-memory.memsw.limit_in_bytes=${memoryBytes}`],
        2: [`memory.max=${memoryBytes}`, '-memory.swap.max=0', '-memory.oom.group=1'],
      },
      // The period of a new group is 100 ms in both versions.
      cpu: { 1: [`cpu.cfs_quota_us=${quota}`], 2: [`cpu.max=${quota}`] },
      pids: { 1: [`pids.max=${pids + OWN_PROCESSES}`], 2: [`pids.max=${pids + OWN_PROCESSES}`] },
    };
    return CONTROLLERS.flatMap((controller) => {
      const tree = treeWith(controller);
      return tree ? files[controller][tree.version] : [];
    });
  };

  const members = async (attempt: AttemptId): Promise<Set<number>> => {
    const lists = await Promise.all(groupsOf(attempt).map((group) => read(join(group, 'cgroup.procs'))));
    // 0 stands for a process outside our own process namespace.
    return new Set(
      lists
        .flatMap((list) => list.split('\n'))
        .map(Number)
        .filter((pid) => pid > 0),
    );
  };

  return {
    folders: trees.map(({ folder }) => folder),
    enforces: { cpu: treeWith('cpu') !== undefined, memory: treeWith('memory') !== undefined, pids: treeWith('pids') !== undefined },
    create(attempt, limits) {
      for (const group of groupsOf(attempt)) {
        try {
          mkdirSync(group);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          // The folder above goes whenever it is empty.
          if (code === 'ENOENT') mkdirSync(group, { recursive: true });
          else if (code !== 'EEXIST') throw error;
        }
      }
      return limitsOf(limits);
    },
    async kill(attempt) {
      const pids = treeWith('pids');
      const group = pids && join(pids.folder, attempt);
      if (group && existsSync(group)) await writeFile(join(group, 'pids.max'), '0').catch(() => {});
      for (const tree of trees) {
        if (tree.version === 2) await writeFile(join(tree.folder, attempt, 'cgroup.kill'), '1').catch(() => {});
      }
      const found = await members(attempt);
      for (const pid of found) signalProcess(pid, 'SIGKILL');
      return found.size;
    },
    async remove(attempt) {
      for (const group of groupsOf(attempt)) {
        for (let tries = 0; ; tries += 1) {
          try {
            // A job may not make groups, but one with the rights to could have: children first.
            if (tries > 0) {
              for (const entry of await readdir(group, { withFileTypes: true })) {
                if (entry.isDirectory()) await rmdir(join(group, entry.name));
              }
            }
            rmdirSync(group);
            break;
          } catch (error) {
            const { code } = error as NodeJS.ErrnoException;
            if (code === 'ENOENT') break;
            if (code !== 'EBUSY' || tries >= REMOVE_TRIES) throw error;
            if (tries > 0) await clock.sleep(REMOVE_PAUSE_MS);
          }
        }
      }
      trees.forEach(removeIfEmpty);
    },
    async close() {
      await Promise.all(trees.map((tree) => rmdir(tree.folder).catch(() => {})));
    },
  };
}
