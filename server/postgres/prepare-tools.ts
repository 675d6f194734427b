import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ended, type PostgresIdentity, asIdentity, identityCandidates, type Invocation, runAs, whoAmI } from './choose-identity.ts';
import { copyNative, findNative, hydrateLinks, type Host } from './find-binaries.ts';
import { PostgresError, USE_YOUR_OWN } from './postgres-error.ts';

export interface PostgresTools {
  readonly identity: PostgresIdentity;
  readonly majorVersion: number;
  run(tool: 'initdb' | 'postgres', args: readonly string[], input?: string): Promise<Ended>;
  invocation(tool: 'postgres', args: readonly string[]): Invocation;
  /** Files we made that PostgreSQL must own. */
  own(path: string): Promise<void>;
}

export interface ToolsWanted {
  readonly folder: string;
  readonly dataFolder: string;
  readonly host: Host;
  /** Tests look at the later choices by leaving out the earlier ones. */
  readonly allows?: (identity: PostgresIdentity) => boolean;
}

/**
 * Finds out by trying which binaries run here and as whom. A try enters and writes to the very folders that matter, and prints the
 * version, so that a wrong processor, a missing library, a refused namespace and an unreachable folder all show here.
 */
export async function preparePostgresTools({ folder, dataFolder, host, allows = () => true }: ToolsWanted): Promise<PostgresTools> {
  const native = findNative(host);
  const hydrated = await hydrateLinks(native);
  const folders = existsSync(dataFolder) ? [folder, dataFolder] : [folder];
  const failures: string[] = [];
  for (const identity of identityCandidates(whoAmI(), await stat(folder)).filter(allows)) {
    await giveTo(identity, folder);
    const entered = await enterFolders(identity, folders);
    if (entered.code !== 0) {
      failures.push(`as ${identity.kind}: ${entered.output}`);
      continue;
    }
    for (const from of hydrated ? ['package', 'copy'] : ['copy']) {
      const home = from === 'package' ? native : await copyNative(native, folder);
      if (from === 'copy') await giveTo(identity, folder);
      const tried = await runAs(identity, join(home, 'bin', 'postgres'), ['--version']);
      const version = /PostgreSQL\) (\d+)/.exec(tried.output)?.[1];
      if (tried.code === 0 && version !== undefined) return toolsAt(home, identity, Number(version));
      failures.push(`as ${identity.kind}, ${from}: ${tried.output}`);
    }
  }
  throw new PostgresError('cannot-run', `${whyNot(host)} Tried: ${failures.join(' · ')}`);
}

function toolsAt(home: string, identity: PostgresIdentity, majorVersion: number): PostgresTools {
  return {
    identity,
    majorVersion,
    run: (tool, args, input) => runAs(identity, join(home, 'bin', tool), args, input),
    invocation: (tool, args) => asIdentity(identity, join(home, 'bin', tool), args),
    own: (path) => giveTo(identity, path),
  };
}

function enterFolders(identity: PostgresIdentity, folders: readonly string[]): Promise<Ended> {
  const script = 'for folder; do cd "$folder" && : > .sodate-try && rm .sodate-try || exit 1; done';
  return runAs(identity, '/bin/sh', ['-c', script, 'sh', ...folders]);
}

async function giveTo(identity: PostgresIdentity, path: string): Promise<void> {
  if (identity.kind !== 'other-user') return;
  const given = await runAs({ kind: 'same-user' }, 'chown', ['-R', '-h', `${identity.uid}:${identity.gid}`, path]);
  if (given.code !== 0) throw new PostgresError('cannot-run', `${path} could not be given to the user of the database: ${given.output}`);
}

function whyNot(host: Host): string {
  if (host.platform === 'linux' && !hasGlibc())
    return `The embedded PostgreSQL needs glibc, and this system (Alpine?) has another C library. Use a Debian or Ubuntu based system, ${USE_YOUR_OWN}.`;
  return `The embedded PostgreSQL cannot be run here. Choose a SODATE_HOME that its user can reach, run Sodate as an ordinary user, ${USE_YOUR_OWN}.`;
}

function hasGlibc(): boolean {
  const report = process.report?.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime !== undefined;
}
