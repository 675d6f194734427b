import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { AttemptId, RunId, TenantId } from '@sodate/contract/ids.ts';
import { newId } from '#kit/ids.ts';
import type { LaunchSpec } from '../executor.ts';
import { assertContainerPolicy } from './container-policy.ts';
import { type ContainerParts, containerSpec, SCRIPT_PATH } from './container-spec.ts';
import { refuseImpossible } from './resolve-mounts.ts';

const spec = (more: Partial<LaunchSpec> = {}): LaunchSpec => ({
  attempt: AttemptId.parse(newId()),
  run: RunId.parse(newId()),
  tenant: TenantId.parse(newId()),
  tenantNumber: 3,
  name: 'Training #12 (日本語)',
  node: 'here',
  image: 'x:1',
  registryCredential: null,
  command: { kind: 'script', text: 'true' },
  environment: { A: 'b=c' },
  workingDirectory: '/kqi/git',
  limits: { cpuMilli: 1500, memoryBytes: 2 ** 30, pids: 100 },
  capabilities: 'usual',
  gpus: [],
  stagePlan: { items: [] },
  mounts: [],
  ...more,
});
const parts = (more: Partial<ContainerParts> = {}): ContainerParts => ({
  spec: spec(),
  installation: 'home',
  image: { id: 'sha256:1', digest: 'sha256:2', bash: '/bin/bash', sh: '/bin/sh', user: { uid: 0, gid: 0 } },
  network: { name: 'sodate-1-3', extraHosts: ['sodate:10.0.0.1'] },
  mounts: [{ source: '/home/sodate/runs/1', target: '/kqi/output', readOnly: false }],
  scriptFile: '/home/sodate/executors/docker/a/script',
  user: null,
  ...more,
});
const policy = { mountRoots: ['/home/sodate'], engineSocket: '/run/docker.sock' };

describe('the container of a launch spec', () => {
  it('has its limits, its network and nothing it could hurt others with', () => {
    const made = containerSpec(parts());
    expect(made).toMatchObject({
      Image: 'sha256:1',
      Hostname: 'training-12',
      Entrypoint: ['/bin/bash', SCRIPT_PATH],
      Cmd: [],
      WorkingDir: '/kqi/git',
      Healthcheck: { Test: ['NONE'] },
      HostConfig: {
        NanoCpus: 1_500_000_000,
        Memory: 2 ** 30,
        MemorySwap: 2 ** 30,
        PidsLimit: 100,
        ShmSize: 2 ** 29,
        Init: true,
        CapDrop: ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'],
        SecurityOpt: ['no-new-privileges'],
        Privileged: false,
        RestartPolicy: { Name: 'no' },
        NetworkMode: 'sodate-1-3',
        ExtraHosts: ['sodate:10.0.0.1'],
      },
    });
    expect(made.Env).toEqual(['NVIDIA_VISIBLE_DEVICES=none', 'A=b=c', 'TINI_KILL_PROCESS_GROUP=1']);
    expect(made.User).toBeUndefined();
    expect(made.HostConfig?.DeviceRequests).toBeUndefined();
    assertContainerPolicy(made, policy);
  });

  it('runs a script by sh where there is no bash, and a list as it is', () => {
    const noBash = { id: 'i', digest: 'd', bash: null, sh: '/bin/ash', user: { uid: 0, gid: 0 } };
    expect(containerSpec(parts({ image: noBash })).Entrypoint).toEqual(['/bin/ash', SCRIPT_PATH]);
    const list = containerSpec(parts({ spec: spec({ command: { kind: 'list', argv: ['a', '', '$b'] } }), scriptFile: null }));
    expect(list.Entrypoint).toEqual(['a', '', '$b']);
    expect(list.HostConfig?.Mounts?.map(({ Target }) => Target)).toEqual(['/kqi/output']);
  });

  it('gets its GPUs and no others, its user, and no capability when told so', () => {
    const made = containerSpec(parts({ spec: spec({ gpus: ['GPU-1', 'GPU-2'], capabilities: 'none' }), user: { uid: 1000, gid: 100 } }));
    expect(made.HostConfig?.DeviceRequests).toEqual([{ Driver: 'nvidia', DeviceIDs: ['GPU-1', 'GPU-2'], Capabilities: [['gpu']] }]);
    expect(made.Env).toContain('NVIDIA_VISIBLE_DEVICES=GPU-1,GPU-2');
    expect(made.User).toBe('1000:100');
    expect(made.HostConfig?.CapDrop).toEqual(['ALL']);
    assertContainerPolicy(made, policy);
  });
});

describe('the policy refuses', () => {
  const bind = (Source: string, Propagation: Docker.MountPropagation = 'rprivate'): Docker.HostConfig => ({
    Mounts: [{ Type: 'bind', Source, Target: '/x', ReadOnly: true, BindOptions: { Propagation } }],
  });
  const cases: [string, Docker.HostConfig][] = [
    ['privileged', { Privileged: true }],
    ['the network of the machine', { NetworkMode: 'host' }],
    ['the network of another container', { NetworkMode: 'container:x' }],
    ['no network said', { NetworkMode: '' }],
    ['the processes of the machine', { PidMode: 'host' }],
    ['the memory of the machine', { IpcMode: 'host' }],
    ['the users of the machine', { UsernsMode: 'host' }],
    ['a capability more', { CapAdd: ['SYS_ADMIN'] }],
    ['capabilities kept', { CapDrop: [] }],
    ['no filter of system calls', { SecurityOpt: ['seccomp=unconfined'] }],
    ['new privileges', { SecurityOpt: [] }],
    ['devices', { Devices: [] }],
    ['binds by the old way', { Binds: ['/:/x'] }],
    ['swap', { MemorySwap: -1 }],
    ['no limit of memory', { Memory: 0, MemorySwap: 0 }],
    ['no limit of processes', { PidsLimit: 0 }],
    ['a volume', { Mounts: [{ Type: 'volume', Source: 'v', Target: '/x' }] }],
    ['a folder elsewhere', bind('/etc')],
    ['a folder with the same beginning', bind('/home/sodate-other')],
    ['a way out', bind('/home/sodate/../../etc')],
    ['a relative path', bind('home/sodate')],
    ['mounts that come back', bind('/home/sodate/a', 'rshared')],
  ];
  for (const [what, wrong] of cases) {
    it(what, () => {
      const made = containerSpec(parts());
      expect(() => assertContainerPolicy({ ...made, HostConfig: { ...made.HostConfig, ...wrong } }, policy)).toThrow('must not be');
    });
  }

  it('the engine’s socket, also where the administrator allowed its folder', () => {
    const lax = { mountRoots: ['/home/sodate', '/run'], engineSocket: '/run/docker.sock' };
    for (const source of ['/run/docker.sock', '/run']) {
      const made = containerSpec(parts({ mounts: [{ source, target: '/x', readOnly: true }] }));
      expect(() => assertContainerPolicy(made, lax)).toThrow('socket');
    }
  });
});

describe('what no container can take is refused at once', () => {
  const cases: [string, Partial<LaunchSpec>][] = [
    ['an empty list', { command: { kind: 'list', argv: [] } }],
    ['an empty program', { command: { kind: 'list', argv: ['', 'x'] } }],
    ['a zero byte', { command: { kind: 'script', text: 'a\0b' } }],
    ['a variable without a name', { environment: { '': 'x' } }],
    ['a variable whose name has =', { environment: { 'A=B': 'x' } }],
    ['a relative working directory', { workingDirectory: 'kqi' }],
    ['a way out', { workingDirectory: '/kqi/../etc' }],
    ['the root as a mount', { mounts: [{ item: 'a', target: '/', readOnly: true }] }],
    ['two mounts at one place', { mounts: [1, 2].map(() => ({ item: 'a', target: '/a', readOnly: true })) }],
    ['a mount over the script', { mounts: [{ item: 'a', target: SCRIPT_PATH, readOnly: true }] }],
    ['no image', { image: '' }],
    ['less memory than the engine takes', { limits: { cpuMilli: 1, memoryBytes: 2 ** 20, pids: 1 } }],
  ];
  for (const [what, more] of cases) {
    it(what, () => expect(() => refuseImpossible(spec(more))).toThrow(expect.objectContaining({ failureClass: 'user-error' }) as Error));
  }
  it('and what it can take is not', () => expect(() => refuseImpossible(spec())).not.toThrow());
});
