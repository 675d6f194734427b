import type { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import type { Cgroups } from './cgroups.ts';
import { MARKER_NAME } from './job-environment.ts';
import { descendantsOf, processesWithEnvironment, readProcess, signalProcess } from './process-table.ts';

export interface Monitor {
  readonly pid: number;
  readonly startTicks: number | null;
}

export async function isMonitorAlive({ pid, startTicks }: Monitor): Promise<boolean> {
  const entry = await readProcess(pid);
  return entry !== null && !entry.zombie && entry.startTicks === startTicks;
}

const PAUSE_MS = 5;
/** A process in the middle of a disk or device operation cannot be killed; whoever asked will ask again. */
const PATIENCE_MS = 5000;

async function until(clock: Clock, condition: () => Promise<boolean>, patienceMs = PATIENCE_MS): Promise<boolean> {
  const deadline = clock.now().getTime() + patienceMs;
  for (;;) {
    if (await condition()) return true;
    if (clock.now().getTime() > deadline) return false;
    await clock.sleep(PAUSE_MS);
  }
}

/**
 * Kills the job but not its monitor, which then records how it ended. Asks again until the monitor is done: at the first
 * look its child may not have entered its cgroup yet, or may not exist yet.
 */
export async function killJob(attempt: AttemptId, monitor: Monitor, cgroups: Cgroups | null, clock: Clock): Promise<void> {
  let rounds = 0;
  await until(clock, async () => {
    if (!(await isMonitorAlive(monitor))) return true;
    const killed = (await cgroups?.kill(attempt)) ?? 0;
    // The walk over /proc is dear, and needed only where the cgroup does not hold the job (yet).
    if (killed === 0 && (cgroups === null || rounds > 1)) for (const { pid } of await descendantsOf(monitor.pid)) signalProcess(pid, 'SIGKILL');
    rounds += 1;
    return false;
  });
}

/** Kills whatever carries the attempt's mark or is in its cgroup, monitor included, until nothing is found any more. */
export async function killEverything(attempt: AttemptId, cgroups: Cgroups | null, clock: Clock): Promise<boolean> {
  return until(clock, async () => {
    let found = (await cgroups?.kill(attempt)) ?? 0;
    for (const pid of await processesWithEnvironment(`${MARKER_NAME}=${attempt}`)) {
      const entry = await readProcess(pid);
      if (entry === null || entry.zombie) continue;
      found += 1;
      for (const below of await descendantsOf(pid)) signalProcess(below.pid, 'SIGKILL');
      signalProcess(pid, 'SIGKILL');
    }
    return found === 0;
  });
}

/**
 * Sends TERM to the job's process group: that of the session below the monitor's. Only when the job is in it, because the
 * first process of a namespace does not die of TERM, and a signal before its child exists would be lost.
 */
export async function terminateJob(monitor: Monitor, clock: Clock): Promise<void> {
  await until(clock, async () => {
    if (!(await isMonitorAlive(monitor))) return true;
    const below = await descendantsOf(monitor.pid);
    const leader = below.find((entry) => entry.session === entry.pid);
    if (!leader || !below.some((entry) => entry.parent === leader.pid)) return false;
    signalProcess(-leader.pid, 'SIGTERM');
    return true;
  });
}
