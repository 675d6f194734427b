import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '#kit/log.ts';
import { openToJob } from './attempt-folder.ts';
import { makeBubblewrapSandbox } from './bubblewrap-sandbox.ts';
import { makeHostView } from './host-view.ts';
import type { Programs } from './programs.ts';
import { makePlainSandbox } from './plain-sandbox.ts';
import type { HostView, IsolationKind, JobUser, Sandbox } from './sandbox.ts';
import { TOOL_ENVIRONMENT } from './scripts.ts';
import { makeUnshareSandbox } from './unshare-sandbox.ts';

/** `auto`: the best that works here. Any other is used as it is, and refused when it does not work. */
export type IsolationChoice = 'auto' | IsolationKind;

export interface SandboxChoiceOptions {
  readonly folder: string;
  readonly choice: IsolationChoice;
  readonly nodePath: string;
  readonly visiblePaths: readonly string[];
  readonly programs: Programs;
  readonly firstJobUser: number;
  readonly log: Log;
}

export interface ChosenSandbox {
  readonly sandbox: Sandbox;
  readonly host: HostView;
  /** Tries it again; null when it works, otherwise what is wrong. */
  readonly check: () => Promise<string | null>;
}

const PROBE_TIMEOUT_MS = 10_000;

/** Runs nothing in the real sandbox. Permissions, kernels and AppArmor differ too much to be asked for one by one. */
async function probe(sandbox: Sandbox, folder: string, programs: Programs): Promise<string | null> {
  const planFolder = await mkdtemp(join(folder, '.probe-'));
  try {
    await mkdir(join(planFolder, 'inside'));
    await writeFile(join(planFolder, 'inside/environment.sh'), '');
    openToJob(join(planFolder, 'inside'));
    const files = sandbox.files({ planFolder, hostName: 'probe', user: sandbox.jobUser(0), mounts: [], devices: [] });
    await files.build?.(planFolder);
    await writeFile(join(planFolder, 'arguments'), files.arguments);
    const input = await open(join(planFolder, 'arguments'), 'r');
    // `ignore` leaves descriptors above 2 closed.
    const nowhere = await open('/dev/null', 'a');
    try {
      const [file, ...args] = [...files.command, 'sh', sandbox.shimPath(programs), sandbox.insideFolder(planFolder), '/', 'true'];
      const child = spawn(file, args, {
        env: TOOL_ENVIRONMENT,
        stdio: ['ignore', 'ignore', 'pipe', 'ignore', nowhere.fd, input.fd],
        timeout: PROBE_TIMEOUT_MS,
        killSignal: 'SIGKILL',
      });
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
      const code = await new Promise<number | string | null>((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('close', resolve);
      });
      return code === 0 && said.includes('ended') ? null : `${sandbox.kind} does not work here (${code}): ${said.trim().slice(0, 500)}`;
    } finally {
      await Promise.all([input.close(), nowhere.close()]);
    }
  } finally {
    await rm(planFolder, { recursive: true, force: true });
  }
}

export async function chooseSandbox({ folder, choice, nodePath, visiblePaths, programs, firstJobUser, log }: SandboxChoiceOptions): Promise<ChosenSandbox> {
  const isRoot = process.getuid?.() === 0;
  const userOf = (tenantNumber: number): JobUser | null => (isRoot ? { uid: firstJobUser + tenantNumber, gid: firstJobUser + tenantNumber } : null);
  const host = await makeHostView({ folder, nodePath, visiblePaths, programs });
  const sandboxes: Readonly<Record<IsolationKind, () => Sandbox>> = {
    bubblewrap: () => makeBubblewrapSandbox(host, userOf),
    unshare: () => makeUnshareSandbox(host, userOf, isRoot),
    none: makePlainSandbox,
  };
  for (const kind of choice === 'auto' ? (['bubblewrap', 'unshare', 'none'] as const) : [choice]) {
    const sandbox = sandboxes[kind]();
    const check = (): Promise<string | null> => probe(sandbox, folder, programs);
    const problem = await check();
    if (problem === null) return { sandbox, host, check };
    if (choice !== 'auto' || kind === 'none') throw new Error(`Jobs cannot run here: ${problem}`);
    log.warn({ problem }, `Jobs cannot be isolated by ${kind} here`);
  }
  throw new Error('unreachable');
}
