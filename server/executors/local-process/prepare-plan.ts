import { mkdirSync, writeFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type LaunchSpec, type StagedFolders, StartRefused } from '../executor.ts';
import { type AttemptFolder, openToJob, planExists, putPlan } from './attempt-folder.ts';
import { gpuDevices } from './gpus.ts';
import { encodeEnvironment, jobEnvironment, nodeOnPath } from './job-environment.ts';
import type { Programs } from './programs.ts';
import type { HostView, ResolvedMount, Sandbox } from './sandbox.ts';
import type { UserFiles } from './user-files.ts';
import { runWords } from '@sodate/contract/run-words.ts';

/** The only image: the machine itself. */
export const IMAGE = 'host';
/** What Linux can pass to a program: 128 KiB in one word, and a quarter of the stack's 8 MiB for all, environment included. */
const LONGEST_WORD_BYTES = 128 * 1024;
const LONGEST_COMMAND_BYTES = 900 * 1024;
/** Of a program's name in a message. */
const LONGEST_PROGRAM_NAME = 200;

export interface PlannerParts {
  readonly sandbox: Sandbox;
  readonly host: HostView;
  readonly programs: Programs;
  readonly bootId: string;
  readonly nodePath: string;
  readonly userFiles: UserFiles;
  readonly hasBash: boolean;
}

/** Writes the plan of an attempt unless there is one, and answers the command line for its monitor: the same each time. */
export type PreparePlan = (spec: LaunchSpec, folder: AttemptFolder, staged: StagedFolders, isNew: boolean) => Promise<readonly string[]>;

export function makePlanner({ sandbox, host, programs, bootId, nodePath, userFiles, hasBash }: PlannerParts): PreparePlan {
  return async (spec, folder, staged, isNew) => {
    const mounts = await resolveMounts(spec, staged);
    const user = sandbox.jobUser(spec.tenantNumber);
    const inSandbox = sandbox.kind !== 'none';
    const environment = jobEnvironment(spec, {
      sandbox,
      planFolder: folder.plan,
      mounts,
      extraPath: nodeOnPath(inSandbox, host.node !== null, dirname(nodePath)),
    });
    const inside = sandbox.insideFolder(folder.plan);
    const command = spec.command.kind === 'list' ? spec.command.argv : [hasBash ? 'bash' : 'sh', `${inside}/script`];
    refuseTooLong(command);
    refuseTooLong(Object.entries(environment).map(([name, value]) => `${name}=${value}`));
    const files = sandbox.files({
      planFolder: folder.plan,
      hostName: /^[A-Za-z0-9-]{1,63}$/.test(spec.name) ? spec.name : 'job',
      user,
      mounts,
      devices: await gpuDevices(spec.gpus),
    });

    if (isNew || !planExists(folder)) {
      const facts = {
        program: spec.command.kind === 'list' ? (spec.command.argv[0]?.slice(0, LONGEST_PROGRAM_NAME) ?? '') : null,
        memoryBytes: spec.limits.memoryBytes,
      };
      await putPlan(folder, bootId, facts, async (temporary) => {
        const insideNow = join(temporary, 'inside');
        mkdirSync(insideNow);
        writeFileSync(join(insideNow, 'environment.sh'), encodeEnvironment(environment));
        if (spec.command.kind === 'script') writeFileSync(join(insideNow, 'script'), spec.command.text);
        if (inSandbox) userFiles.link(user, insideNow);
        writeFileSync(join(temporary, 'arguments'), files.arguments);
        await files.build?.(temporary);
        openToJob(insideNow);
      });
    }
    return [...files.command, 'sh', sandbox.shimPath(programs), inside, sandbox.pathInside(folder.plan, spec.workingDirectory), ...command];
  };
}

async function resolveMounts(spec: LaunchSpec, { folders }: StagedFolders): Promise<ResolvedMount[]> {
  const mounts: ResolvedMount[] = [];
  for (const { item, subfolder, target, readOnly } of spec.mounts) {
    const folder = folders.get(item);
    if (folder === undefined) throw new StartRefused('platform', runWords('mount-not-staged', { item: JSON.stringify(item), target }));
    let source = folder;
    if (subfolder !== undefined) {
      // A job may have put a link there, and root mounts whatever it leads to.
      source = await realpath(join(folder, subfolder)).catch(() => {
        throw new StartRefused('platform', runWords('mount-folder-missing', { folder: JSON.stringify(subfolder), target }));
      });
      if (!source.startsWith((await realpath(folder)) + sep))
        throw new StartRefused('user-error', runWords('mount-leads-out', { folder: JSON.stringify(subfolder), target }));
    }
    if (!target.startsWith('/') || target.split('/').includes('..'))
      throw new StartRefused('platform', runWords('mount-target-unusable', { target: JSON.stringify(target) }));
    mounts.push({ source, target, readOnly });
  }
  return mounts.sort((a, b) => a.target.length - b.target.length);
}

/** What no sandbox, no machine and no later try could run. */
export function refuseImpossible(spec: LaunchSpec): void {
  if (spec.image !== IMAGE) throw new StartRefused('user-error', runWords('host-only', { image: spec.image, host: IMAGE }));
  if (spec.command.kind === 'list' && spec.command.argv.length === 0) throw new StartRefused('user-error', runWords('command-empty'));
  if (spec.command.kind === 'list' && spec.command.argv.some((word) => word.includes('\0'))) throw new StartRefused('user-error', runWords('command-with-nul'));
}

function refuseTooLong(words: readonly string[]): void {
  const sizes = words.map((word) => Buffer.byteLength(word) + 1);
  if (sizes.every((size) => size <= LONGEST_WORD_BYTES) && sizes.reduce((sum, size) => sum + size, 0) <= LONGEST_COMMAND_BYTES) return;
  throw new StartRefused('user-error', runWords('command-too-long'));
}
