import type { Config } from '#config/config.ts';
import type { StageFolders } from '#executors/executor.ts';
import { makeLocalProcessExecutor } from '#executors/local-process/local-process-executor.ts';
import { systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
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
 * recorded with the executor; the next start of the server takes them up.
 */
export async function endJobs(config: Config): Promise<number> {
  const folder = path.join(config.home, 'executors', 'local-process');
  const installations = await readdir(folder).catch(() => []);
  let ended = 0;
  for (const platform of installations.filter((name) => /^[0-9a-f]{8}-/.test(name))) {
    const executor = await makeLocalProcessExecutor({
      folder,
      platform,
      stage: NO_STAGE,
      clock: systemClock,
      log: silentLog,
      nodeName: config.nodeName ?? hostname(),
      nodePath: process.execPath,
      isolation: config.isolation,
    });
    const listed = await executor.list();
    const living = async () => {
      const seen = await Promise.all(listed.map(async (attempt) => ({ attempt, state: (await executor.observe(attempt.handle)).state })));
      return seen.filter(({ state }) => state === 'running' || state === 'pending').map(({ attempt }) => attempt);
    };
    const first = await living();
    ended += first.length;
    for (const { handle } of first) await executor.stop(handle, 'terminate');
    for (let waited = 0, left = first; left.length > 0 && waited < GRACE_MS + KILL_MS; waited += LOOK_EVERY_MS) {
      if (waited >= GRACE_MS) for (const { handle } of left) await executor.stop(handle, 'kill');
      await sleep(LOOK_EVERY_MS);
      left = await living();
    }
    await executor.close();
  }
  return ended;
}
