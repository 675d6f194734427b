import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AttemptId, RunId, TenantId } from '@sodate/contract/ids.ts';
import { systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import type { ConformanceHarness, ConformanceJob } from '../executor-conformance.ts';
import type { Executor, LaunchSpec } from '../executor.ts';
import { makeTestStage } from '../test-stage.ts';
import { readCgroupTrees } from './cgroups.ts';
import { MARKER_NAME } from './job-environment.ts';
import { type LocalProcessOptions, makeLocalProcessExecutor } from './local-process-executor.ts';
import { processesWithEnvironment, readProcess, signalProcess } from './process-table.ts';

/** For tests of this folder: real folders, real processes, in a home of its own. */
export interface LocalProcessHarness extends ConformanceHarness {
  readonly folder: string;
  readonly platform: string;
  options(): LocalProcessOptions;
}

export type HarnessChoice = Pick<LocalProcessOptions, 'isolation' | 'cgroups'>;

export async function makeLocalProcessHarness(
  choice: HarnessChoice,
  existing?: { readonly folder: string; readonly platform: string },
): Promise<LocalProcessHarness> {
  const folder = existing?.folder ?? (await mkdtemp(join(tmpdir(), 'sodate-local-process-')));
  const platform = existing?.platform ?? `test-${randomUUID().slice(0, 8)}`;
  const base = join(folder, 'stage');
  const opened: Executor[] = [];
  const options = (ofPlatform = platform): LocalProcessOptions => ({
    folder: join(folder, 'state'),
    platform: ofPlatform,
    stage: makeTestStage(ofPlatform === platform ? base : `${base}-${ofPlatform}`),
    clock: systemClock,
    log: silentLog,
    nodeName: 'here',
    nodePath: process.execPath,
    askGpus: async () => '',
    ...choice,
  });
  const open = async (ofPlatform?: string): Promise<Executor> => {
    const executor = await makeLocalProcessExecutor(options(ofPlatform));
    opened.push(executor);
    return executor;
  };
  const items = ['output', 'input', 'tmp'];

  return {
    folder,
    platform,
    options,
    open: () => open(),
    openOther: () => open(`${platform}-b`),
    spec: ({ command, environment = {}, limits = {}, image = 'host' }: ConformanceJob): LaunchSpec => ({
      attempt: AttemptId.parse(randomUUID()),
      run: RunId.parse(randomUUID()),
      tenant: TenantId.parse(randomUUID()),
      tenantNumber: 1,
      name: 'task-1',
      node: 'here',
      image,
      registryCredential: null,
      command,
      environment: { OUT: '/kqi/output', IN: '/kqi/input', ...environment },
      workingDirectory: '/kqi/tmp',
      limits: { cpuMilli: 2000, memoryBytes: 2 ** 28, pids: 200, ...limits },
      capabilities: 'usual',
      gpus: [],
      stagePlan: { items: items.map((name) => ({ name, kind: 'scratch' })) },
      mounts: items.map((item) => ({ item, target: `/kqi/${item}`, readOnly: item === 'input' })),
    }),
    log: (attempt) => readFile(join(base, `${attempt}.log`)),
    output: (attempt, file) => readFile(join(base, attempt, 'output', file), 'utf8').catch(() => null),
    timesRun: async (attempt) => (await readFile(join(base, attempt, 'output/ran'), 'utf8').catch(() => '')).split('\n').length - 1,
    async vanish(attempt) {
      const pid = Number.parseInt(await readFile(join(folder, 'state', platform, attempt, 'started'), 'utf8'), 10);
      signalProcess(pid, 'SIGKILL');
    },
    async traces(attempt) {
      const found: string[] = [];
      for (const pid of await processesWithEnvironment(`${MARKER_NAME}=${attempt}`)) {
        const entry = await readProcess(pid);
        if (entry && !entry.zombie) found.push(`process ${pid}: ${(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')}`);
      }
      for (const name of [platform, `${platform}-b`]) {
        if (existsSync(join(folder, 'state', name, attempt))) found.push(`folder ${name}/${attempt}`);
        for (const tree of readCgroupTrees()) {
          for (const group of ['', tree.ownPath]) {
            const path = join(tree.mountPoint, group, `sodate-${name}`, attempt);
            if (existsSync(path)) found.push(`cgroup ${path}`);
          }
        }
      }
      if (existsSync(join(base, attempt))) found.push('staged folders');
      return found;
    },
    wait: () => systemClock.sleep(10),
    async close() {
      const sweeper = await makeLocalProcessExecutor(options());
      const foreign = await makeLocalProcessExecutor(options(`${platform}-b`));
      try {
        for (const executor of [sweeper, foreign]) for (const { handle } of await executor.list()) await executor.remove(handle);
      } finally {
        await Promise.all([...opened, sweeper, foreign].map((executor) => executor.close()));
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether this machine can do it: null, or why not, for the name of a skipped suite. */
export async function whyNotHere(choice: HarnessChoice): Promise<string | null> {
  const harness = await makeLocalProcessHarness({ ...choice, isolation: 'none' });
  try {
    await (await makeLocalProcessExecutor({ ...harness.options(), ...choice })).close();
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await harness.close();
  }
}

/** Whether limits are enforced here, for the names of skipped cases. */
export async function enforcedHere(choice: HarnessChoice): Promise<Executor['capabilities']['enforces']> {
  const harness = await makeLocalProcessHarness(choice);
  try {
    return (await harness.open()).capabilities.enforces;
  } finally {
    await harness.close();
  }
}
