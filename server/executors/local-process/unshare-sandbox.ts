import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dropRights, type HostView, INSIDE_FOLDER, type JobUser, type Sandbox, SHIM_IN_ETC } from './sandbox.ts';

/**
 * The first process of the new namespaces: one `mount -a` with a table of ours instead of thirty programs, then the new
 * root, then it becomes SHIM in a session of its own. Arguments: the host name, the plan folder, then the command.
 */
const ENTER =
  '{ echo "$0" >/proc/sys/kernel/hostname; } 2>/dev/null; mount -a -T "$1/fstab" && cd "$1/root" && pivot_root . .old && umount -l /.old && shift && exec "$@"';

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

const escapeFstab = (path: string): string => path.replace(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);

/**
 * Without bubblewrap: util-linux alone, in 12 ms. Without root a user namespace is needed too, in which the job is shown
 * as root; it is the server's own user outside, and has no capability in there.
 */
export function makeUnshareSandbox(host: HostView, userOf: (tenantNumber: number) => JobUser | null, isRoot: boolean): Sandbox {
  return {
    kind: 'unshare',
    endsWholeTree: true,
    insideFolder: () => INSIDE_FOLDER,
    pathInside: (_, target) => target,
    shimPath: () => `/etc/${SHIM_IN_ETC}`,
    jobUser: userOf,
    files({ planFolder, hostName, user, mounts, devices }) {
      const root = join(planFolder, 'root');
      // Not there yet when the places are made.
      const inside = join(planFolder, 'inside');
      const lines: string[] = [];
      const folders = new Set<string>(['/.old', '/tmp', '/proc', '/dev', '/etc']);
      const targets: { source: string; target: string }[] = [];
      const bind = (source: string, target: string, options: string): void => {
        lines.push(`${escapeFstab(source)} ${escapeFstab(root + target)} none ${options} 0 0`);
        targets.push({ source, target });
      };
      const mount = (type: string, target: string, options: string): void => void lines.push(`${type} ${escapeFstab(root + target)} ${type} ${options} 0 0`);

      lines.push(`${escapeFstab(root)} ${escapeFstab(root)} none bind 0 0`);
      for (const path of host.readOnlyFolders) bind(path, path, 'rbind,ro');
      bind(host.etcFolder, '/etc', 'bind,ro');
      for (const path of host.liveEtcFiles) lines.push(`${path} ${escapeFstab(root + path)} none bind,ro 0 0`);
      if (host.node) bind(host.node.source, host.node.target, 'bind,ro');
      mount('proc', '/proc', 'nosuid,nodev,noexec');
      // Not a tmpfs: the device files and links are ready on the disk, and nothing in it is writable to a job.
      for (const device of [...DEVICES.map((name) => `/dev/${name}`), ...devices]) bind(device, device, 'bind');
      for (const path of ['/dev/shm', '/tmp']) {
        folders.add(path);
        mount('tmpfs', path, 'mode=1777,nosuid,nodev');
      }
      bind(inside, INSIDE_FOLDER, 'bind,ro');
      for (const { source, target, readOnly } of mounts) bind(source, target, readOnly ? 'bind,ro' : 'bind');

      const namespaces = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL'];
      const command = ['setpriv', '--pdeathsig', 'KILL', 'unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), ...namespaces];
      return {
        arguments: '',
        command: [
          ...command,
          'sh',
          '-c',
          ENTER,
          hostName,
          planFolder,
          'setsid',
          ...(isRoot ? dropRights(user) : ['setpriv', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']),
        ],
        async build(temporaryPlan) {
          const rootNow = join(temporaryPlan, 'root');
          await makeOpenFolders(rootNow, [...folders, ...host.links.map(({ path }) => dirname(path))]);
          // A mount below another one is made in what that one shows, where the place must exist already.
          for (const { source, target } of targets) {
            const place = join(rootNow, target);
            const isFolder = source === inside || (await stat(source)).isDirectory();
            await makeOpenFolders(rootNow, [isFolder ? target : dirname(target)]);
            if (!isFolder) await writeFile(place, '', { flag: 'a' });
          }
          for (const { path, target } of host.links) await symlink(target, join(rootNow, path));
          for (const [name, target] of [
            ['fd', '/proc/self/fd'],
            ['stdin', '/proc/self/fd/0'],
            ['stdout', '/proc/self/fd/1'],
            ['stderr', '/proc/self/fd/2'],
          ] as const) {
            await symlink(target, join(rootNow, 'dev', name));
          }
          await writeFile(join(temporaryPlan, 'fstab'), lines.map((line) => `${line}\n`).join(''));
        },
      };
    },
  };
}

/** Whatever the server's umask is, the job's user may pass through. */
async function makeOpenFolders(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    let folder = root;
    for (const part of path.split('/')) {
      folder = join(folder, part);
      await mkdir(folder, { recursive: true });
      await chmod(folder, 0o755);
    }
  }
}
