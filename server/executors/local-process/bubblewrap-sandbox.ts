import { dropRights, type HostView, INSIDE_FOLDER, type JobUser, type Sandbox, SHIM_IN_ETC } from './sandbox.ts';

/**
 * bubblewrap: one program, 7 ms. Run by root it mounts as root, because the sources may lie in a folder that only root can
 * enter, and setpriv then drops to the tenant's user inside; run by others it makes a user namespace.
 *
 * `--as-pid-1` makes SHIM the first process of the namespace, so that its end, which the kernel reports only after the
 * last process in there is dead, is the end of the whole job. `--die-with-parent` ties all that to the monitor.
 */
export function makeBubblewrapSandbox(host: HostView, userOf: (tenantNumber: number) => JobUser | null): Sandbox {
  return {
    kind: 'bubblewrap',
    endsWholeTree: true,
    insideFolder: () => INSIDE_FOLDER,
    pathInside: (_, target) => target,
    jobUser: userOf,
    shimPath: () => `/etc/${SHIM_IN_ETC}`,
    files({ planFolder, hostName, user, mounts, devices }) {
      const bound = [...host.readOnlyFolders, '/etc', ...(host.node ? [host.node.target] : []), INSIDE_FOLDER, ...mounts.map(({ target }) => target)];
      const list = [
        '--unshare-pid',
        '--unshare-ipc',
        '--unshare-uts',
        '--hostname',
        hostName,
        '--new-session',
        '--die-with-parent',
        '--as-pid-1',
        // Made by itself, bubblewrap gives folders above a mount to root alone.
        ...foldersAbove(bound).flatMap((path) => ['--dir', path]),
        ...host.readOnlyFolders.flatMap((path) => ['--ro-bind', path, path]),
        ...host.links.flatMap(({ path, target }) => ['--symlink', target, path]),
        '--ro-bind',
        host.etcFolder,
        '/etc',
        ...host.liveEtcFiles.flatMap((path) => ['--ro-bind', path, path]),
        ...(host.node ? ['--ro-bind', host.node.source, host.node.target] : []),
        '--proc',
        '/proc',
        '--dev',
        '/dev',
        '--perms',
        '1777',
        '--tmpfs',
        '/dev/shm',
        '--perms',
        '1777',
        '--tmpfs',
        '/tmp',
        ...devices.flatMap((path) => ['--dev-bind', path, path]),
        '--ro-bind',
        `${planFolder}/inside`,
        INSIDE_FOLDER,
        ...mounts.flatMap(({ source, target, readOnly }) => [readOnly ? '--ro-bind' : '--bind', source, target]),
      ];
      return { arguments: list.map((word) => `${word}\0`).join(''), command: ['bwrap', '--args', '5', '--', ...dropRights(user)] };
    },
  };
}

/** Every folder above these paths that is not itself in one of them, outermost first. */
export function foldersAbove(paths: readonly string[]): string[] {
  const above = new Set<string>();
  for (const path of paths) {
    const parts = path.split('/').filter((part) => part !== '');
    for (let length = 1; length < parts.length; length += 1) {
      const folder = `/${parts.slice(0, length).join('/')}`;
      if (!paths.some((other) => folder === other || folder.startsWith(`${other}/`))) above.add(folder);
    }
  }
  return [...above].sort((a, b) => a.length - b.length);
}
