import { readdir, readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import type { Terminal, TerminalSize } from '../executor.ts';
import { type EngineClient, statusOf } from './docker-client.ts';

export interface TerminalRequest {
  readonly engine: EngineClient;
  /** The container's id. */
  readonly container: string;
  readonly command: readonly string[];
  readonly size: TerminalSize;
  readonly clock: Clock;
  readonly log: Log;
}

const POLL_MS = 20;
/** How long a command may take to be known as ended, after its terminal has closed or it was killed. */
const END_LIMIT_MS = 10_000;

export async function openContainerTerminal({ engine, container, command, size, clock, log }: TerminalRequest): Promise<Terminal> {
  const exec = await engine.call((docker) =>
    docker
      .getContainer(container)
      .exec({ Cmd: [...command], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true, Env: ['TERM=xterm-256color'] }),
  );
  const stream: Duplex = await engine.call(() => exec.start({ hijack: true, stdin: true, Tty: true }));
  const resize = ({ columns, rows }: TerminalSize): Promise<void> =>
    engine
      .call(async () => {
        await exec.resize({ h: rows, w: columns });
      })
      .catch((error: unknown) => {
        // The command has ended in the meantime.
        if (statusOf(error) === null) throw error;
      });

  /** The exit code, once the engine knows it; null when it does not come. */
  const exitCode = async (): Promise<number | null> => {
    const deadlineMs = clock.now().getTime() + END_LIMIT_MS;
    while (clock.now().getTime() < deadlineMs) {
      const seen = await engine.call(() => exec.inspect()).catch(() => null);
      if (seen === null) return null;
      if (!seen.Running) return seen.ExitCode;
      await clock.sleep(POLL_MS);
    }
    return null;
  };

  let closing: Promise<void> | null = null;
  let isClosed = false;
  const exited = new Promise<number | null>((resolve) => {
    const over = (): void => void exitCode().then((code) => resolve(isClosed ? null : code));
    stream.once('end', over);
    stream.once('close', over);
    stream.once('error', over);
  });

  const end = async (): Promise<void> => {
    isClosed = true;
    const { Running, Pid } = await engine.call(() => exec.inspect());
    if (Running && Pid > 0) {
      const killed = await killSession(Pid, container);
      if (!killed) log.warn({ container }, 'A command on a terminal could not be ended: it is no process of this machine, or not of this user');
    }
    stream.destroy();
    await exitCode();
  };

  await resize(size);
  return {
    stream,
    resize,
    exited,
    close() {
      closing ??= end().catch((error: unknown) => {
        stream.destroy();
        // With its container, the command is gone as well.
        if (statusOf(error) === null) throw error;
      });
      return closing;
    },
  };
}

/**
 * The engine has no way to end a command that it runs beside a job: it lives on when its terminal is closed. Its process
 * is one of this machine, so it and everything of its session is killed from here; each only after it was seen to belong
 * to that container, because behind a forwarded socket the number may be that of somebody else.
 */
async function killSession(leader: number, container: string): Promise<boolean> {
  const isOfContainer = async (pid: number): Promise<boolean> => (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(container);
  if (!(await isOfContainer(leader))) return false;
  const members = [leader];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === leader) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // Behind the name: state, parent, group, session.
    const session = text.slice(text.lastIndexOf(')') + 2).split(' ')[3];
    if (Number(session) === leader && (await isOfContainer(Number(name)))) members.push(Number(name));
  }
  try {
    for (const pid of members) kill(pid);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
