import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { parseEngineHost } from './docker-client.ts';

/**
 * When the engine was last started, as far as can be seen: it makes its socket anew, or has its pid file beside it. Never
 * before the machine.
 */
export async function readEngineStart(address: ReturnType<typeof parseEngineHost>, bootedAt: Date | null): Promise<Date | null> {
  if (!('socketPath' in address)) return bootedAt;
  const files = [address.socketPath, join(dirname(address.socketPath), 'docker.pid')];
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  const latest = Math.max(...times, bootedAt?.getTime() ?? 0);
  return latest === 0 ? null : new Date(latest);
}

/** When this machine was started; null where there is no /proc. */
export async function readBootTime(): Promise<Date | null> {
  const seconds = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8').catch(() => ''))?.[1];
  return seconds === undefined ? null : new Date(Number(seconds) * 1000);
}
