import { CommandError } from '#commands/command-error.ts';
import { dockerFolder, localProcessFolder, makeDocker } from '#commands/make-executors.ts';
import type { Config } from '#config/config.ts';
import { type Executor, isEngineUnreachable, type StageFolders } from '#executors/executor.ts';
import { makeLocalProcessExecutor } from '#executors/local-process/local-process-executor.ts';
import { systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const GRACE_MS = 10_000;
const KILL_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** No job is started here, so nothing is staged. */
const NO_STAGE: StageFolders = {
  realise: () => Promise.reject(new Error('nothing is started while the server is down')),
  discard: async () => {},
};

/**
 * Ends the jobs that run on this machine after its server has ended: first they are asked, then killed. Their exits stay
 * recorded with the executor; the next start of the server takes them up. Networks that no container needs any more, and
 * the rules of the firewall, go too.
 * @returns how many jobs were ended
 */
export async function endJobs(config: Config): Promise<number> {
  let ended = 0;
  for (const platform of await installationsIn(localProcessFolder(config.home))) {
    const executor = await makeLocalProcessExecutor({
      folder: localProcessFolder(config.home),
      platform,
      stage: NO_STAGE,
      clock: systemClock,
      log: silentLog,
      nodeName: config.nodeName ?? hostname(),
      nodePath: process.execPath,
      isolation: config.isolation,
    });
    ended += await endJobsOf(executor);
    await executor.close();
  }
  for (const installation of await installationsIn(dockerFolder(config.home))) {
    const around = { installation, stage: NO_STAGE, door: { listenOn: async () => {}, leave: async () => {} } };
    const { executor, networks } = await makeDocker(config, silentLog, around);
    try {
      ended += await endJobsOf(executor);
      await networks.close({ remove: true });
    } catch (error) {
      if (!isEngineUnreachable(error)) throw error;
      throw new CommandError(`The server has ended, but what it runs in containers cannot be ended: ${error.message}`, { cause: error });
    } finally {
      await executor.close();
    }
  }
  return ended;
}

/** Each has a folder of its own, by its id. */
const installationsIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name));

async function endJobsOf(executor: Executor): Promise<number> {
  const listed = await executor.list();
  const living = async () => {
    const seen = await Promise.all(listed.map(async (attempt) => ({ attempt, state: (await executor.observe(attempt.handle)).state })));
    return seen.filter(({ state }) => state === 'running' || state === 'pending').map(({ attempt }) => attempt);
  };
  const first = await living();
  for (const { handle } of first) await executor.stop(handle, 'terminate');
  for (let waited = 0, left = first; left.length > 0 && waited < GRACE_MS + KILL_MS; waited += LOOK_EVERY_MS) {
    if (waited >= GRACE_MS) for (const { handle } of left) await executor.stop(handle, 'kill');
    await sleep(LOOK_EVERY_MS);
    left = await living();
  }
  return first.length;
}
