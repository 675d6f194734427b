import { expect, it } from 'vitest';
import { findCgroupTrees, groupsUpward } from './cgroup-mounts.ts';

const V1_LINE = (controllers: string, root = '/') => `30 25 0:26 ${root} /sys/fs/cgroup/${controllers} rw,relatime shared:9 - cgroup cgroup rw,${controllers}`;
const V2_LINE = (mountPoint: string, root = '/') => `31 25 0:27 ${root} ${mountPoint} rw,relatime shared:10 - cgroup2 cgroup2 rw,nsdelegate`;

it('finds the trees of version 1, whichever controllers share one', () => {
  const trees = findCgroupTrees({
    mountInfo: [V1_LINE('memory'), V1_LINE('cpu,cpuacct'), V1_LINE('pids'), V1_LINE('blkio')].join('\n'),
    ownGroups: '9:memory:/user.slice/x\n4:cpu,cpuacct:/\n3:pids:/user.slice\n0::/\n',
    controllersAt: () => '',
  });
  expect(trees.map(({ version, controllers, ownPath }) => [version, controllers, ownPath])).toEqual([
    [1, ['memory'], '/user.slice/x'],
    [1, ['cpu'], '/'],
    [1, ['pids'], '/user.slice'],
  ]);
});

it('finds the one tree of version 2, and of a hybrid what version 1 lacks', () => {
  const ownGroups = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n';
  const [tree] = findCgroupTrees({ mountInfo: V2_LINE('/sys/fs/cgroup'), ownGroups, controllersAt: () => 'cpuset cpu io memory pids\n' });
  expect(tree).toMatchObject({ version: 2, mountPoint: '/sys/fs/cgroup', controllers: ['cpu', 'memory', 'pids'] });
  expect(tree && groupsUpward(tree).slice(0, 2)).toEqual([
    '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/x.service',
    '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice',
  ]);
  const hybrid = findCgroupTrees({
    mountInfo: [V1_LINE('memory'), V2_LINE('/sys/fs/cgroup/unified')].join('\n'),
    ownGroups: '1:memory:/\n0::/\n',
    controllersAt: () => 'hugetlb memory pids',
  });
  expect(hybrid.map(({ version, controllers }) => [version, controllers])).toEqual([
    [1, ['memory']],
    [2, ['pids']],
  ]);
});

it('counts the own path from what a container has mounted', () => {
  const [tree] = findCgroupTrees({ mountInfo: V1_LINE('memory', '/docker/abc'), ownGroups: '5:memory:/docker/abc/inner\n', controllersAt: () => '' });
  expect(tree?.ownPath).toBe('/inner');
});
