/** Where the kernel offers a controller: version 1 has a tree per controller, version 2 one for all; hybrids have both. */
export interface CgroupTree {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  readonly controllers: readonly Controller[];
  /** The server's own group in this tree, as a path below the mount point, such as `/user.slice/x`. */
  readonly ownPath: string;
}

export const CONTROLLERS = ['cpu', 'memory', 'pids'] as const;
export type Controller = (typeof CONTROLLERS)[number];
const isController = (name: string): name is Controller => (CONTROLLERS as readonly string[]).includes(name);

export interface CgroupFiles {
  /** /proc/self/mountinfo */
  readonly mountInfo: string;
  /** /proc/self/cgroup */
  readonly ownGroups: string;
  /** cgroup.controllers at a version 2 mount point. */
  readonly controllersAt: (mountPoint: string) => string;
}

const unescapeMount = (path: string): string => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

export function findCgroupTrees({ mountInfo, ownGroups, controllersAt }: CgroupFiles): CgroupTree[] {
  const groups = ownGroups
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', controllers = '', ...path] = line.split(':');
      return { unified: id === '0' && controllers === '', controllers: controllers.split(','), path: path.join(':') };
    });

  const trees: CgroupTree[] = [];
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', mountPoint = ''] = before.split(' ').map(unescapeMount);
    const [type, , options = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    // What an earlier tree offers is not offered again: the same tree may be mounted twice, and hybrids list both kinds.
    const taken = new Set(trees.flatMap((tree) => tree.controllers));
    const offered = type === 'cgroup' ? options.split(',') : controllersAt(mountPoint).trim().split(/\s+/);
    const controllers = offered.filter(isController).filter((name) => !taken.has(name));
    if (controllers.length === 0) continue;
    const group = groups.find((each) => (type === 'cgroup2' ? each.unified : each.controllers.some((name) => name === controllers[0])));
    // In a container only a part of the tree is mounted, and the path of the own group may still count from the top.
    const path = group?.path ?? '/';
    const ownPath = root !== '/' && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) || '/' : path;
    trees.push({ version: type === 'cgroup' ? 1 : 2, mountPoint, controllers, ownPath });
  }
  return trees;
}

/** The group of a path and every one above it, nearest first, as folders: limits of all of them hold. */
export function groupsUpward(tree: CgroupTree): string[] {
  const parts = tree.ownPath.split('/').filter((part) => part !== '' && part !== '..');
  const folders: string[] = [];
  for (let length = parts.length; length >= 0; length -= 1) folders.push([tree.mountPoint, ...parts.slice(0, length)].join('/'));
  return folders;
}
