import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '#kit/clock.ts';
import { EngineUnreachable } from '../executor.ts';

const POLL_MS = 20;
const PATIENCE_MS = 10_000;

/** Processes of this machine in the control group of a container, by its whole id; ended ones that nobody has collected left out. */
export async function processesIn(container: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // One that ended since the listing is not there any more.
    const read = (file: string): Promise<string> => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '');
    if (!(await read('cgroup')).includes(container)) continue;
    const stat = await read('stat');
    if (stat !== '' && !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')))) found.push(Number(name));
  }
  return found;
}

/**
 * Ends what runs in a container's control group. An engine that was killed in the middle of a start may know nothing of the
 * job when it is back, or take it for one that never began; then nobody can ask it to end the job.
 * @returns how many were ended
 * @throws {EngineUnreachable} when some do not end, or may not be ended by this user: what the attempt held is not free
 */
export async function endProcessesIn(container: string, clock: Clock): Promise<number> {
  const deadline = clock.now().getTime() + PATIENCE_MS;
  const ended = new Set<number>();
  for (;;) {
    const pids = await processesIn(container);
    if (pids.length === 0) return ended.size;
    if (clock.now().getTime() > deadline) {
      throw new EngineUnreachable(`Processes ${pids.join(', ')} of the container ${container}, which the engine has forgotten, do not end.`);
    }
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
        ended.add(pid);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') continue;
        throw new EngineUnreachable(`Process ${pid} of the container ${container}, which the engine has forgotten, cannot be ended: end it by hand.`, {
          cause: error,
        });
      }
    }
    await clock.sleep(POLL_MS);
  }
}
