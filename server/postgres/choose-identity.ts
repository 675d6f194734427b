import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';

/**
 * As whom PostgreSQL runs. It refuses to run as root, and its initdb refuses a user id without a name, as containers often have.
 */
export type PostgresIdentity =
  | { readonly kind: 'same-user' }
  /** A user namespace in which we are called nobody: no file changes its owner, folders only we can enter stay reachable. */
  | { readonly kind: 'user-namespace' }
  | { readonly kind: 'other-user'; readonly uid: number; readonly gid: number; readonly reach: 'own' | 'everywhere' };

export interface Invocation {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const NOBODY = 65_534;

/** Nothing of ours reaches PostgreSQL through the environment: LD_PRELOAD, PGOPTIONS and the like change what it does. */
export const TOOL_ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Best first. Which of them works here (containers often refuse user namespaces) only a try can tell. */
export function identityCandidates(
  me: { readonly uid: number; readonly named: boolean },
  folderOwner: { readonly uid: number; readonly gid: number },
): readonly PostgresIdentity[] {
  if (me.uid !== 0) return me.named ? [{ kind: 'same-user' }] : [{ kind: 'user-namespace' }, { kind: 'same-user' }];
  const { uid, gid } = folderOwner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : folderOwner;
  return [
    { kind: 'user-namespace' },
    { kind: 'other-user', uid, gid, reach: 'own' },
    // In a container without user namespaces the home is often below /root, which nobody cannot enter.
    { kind: 'other-user', uid, gid, reach: 'everywhere' },
  ];
}

export function whoAmI(): { readonly uid: number; readonly named: boolean } {
  const uid = process.getuid?.() ?? -1;
  try {
    return { uid, named: userInfo().username !== '' };
  } catch {
    return { uid, named: false };
  }
}

export function asIdentity(identity: PostgresIdentity, command: string, args: readonly string[]): Invocation {
  switch (identity.kind) {
    case 'same-user':
      return { command, arguments: args };
    case 'user-namespace':
      return { command: 'unshare', arguments: ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--', command, ...args] };
    case 'other-user': {
      const { uid, gid } = identity;
      if (identity.reach === 'own') return { command, arguments: args, uid, gid };
      const reach = ['--bounding-set=-all,+dac_override', '--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override'];
      // Without the bit access(2), which initdb uses, would forget the capability for a user that is not root.
      const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
      return { command: 'setpriv', arguments: [...user, ...reach, '--', command, ...args] };
    }
  }
}

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end; a program that cannot even be started ends with 127. */
export async function runAs(identity: PostgresIdentity, command: string, args: readonly string[], input = ''): Promise<Ended> {
  const invocation = asIdentity(identity, command, args);
  const { uid, gid } = invocation;
  return await new Promise((resolve) => {
    const options = {
      env: TOOL_ENVIRONMENT,
      cwd: '/',
      timeout: 120_000,
      maxBuffer: 1024 * 1024,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    };
    const child = execFile(invocation.command, [...invocation.arguments], options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim();
      if (error === null) resolve({ code: 0, output });
      else resolve({ code: typeof error.code === 'number' ? error.code : 127, output: output === '' ? error.message : output });
    });
    child.stdin?.on('error', () => undefined); // it ended without reading all; its exit code tells
    child.stdin?.end(input);
  });
}
