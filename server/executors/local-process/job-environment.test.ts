import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { isStartRefused, type LaunchSpec } from '../executor.ts';
import { encodeEnvironment, jobEnvironment } from './job-environment.ts';
import { makePlainSandbox } from './plain-sandbox.ts';
import type { Sandbox } from './sandbox.ts';

const spec = (environment: Record<string, string>, gpus: string[] = []) => ({ attempt: 'a', environment, gpus }) as unknown as LaunchSpec;
const mounts = ['/kqi/tmp', '/kqi/output', '/opt/artifact'].map((target) => ({ source: '/s', target, readOnly: false }));
const sandboxed = { sandbox: { kind: 'bubblewrap' } as Sandbox, planFolder: '/p', mounts, extraPath: '/opt/sodate-node/bin' };

it('adds what is missing, and never replaces what the spec says', () => {
  expect(jobEnvironment(spec({ A: '1' }), sandboxed)).toMatchObject({
    A: '1',
    HOME: '/kqi/tmp',
    LANG: 'C.UTF-8',
    SODATE_ATTEMPT: 'a',
    CUDA_VISIBLE_DEVICES: 'none',
  });
  expect(jobEnvironment(spec({ A: '1' }), sandboxed)['PATH']).toMatch(/\/usr\/bin.*:\/opt\/sodate-node\/bin$/);
  expect(jobEnvironment(spec({ PATH: '/mine', HOME: '/h', LANG: 'ja_JP.UTF-8' }), sandboxed)).toMatchObject({ PATH: '/mine', HOME: '/h', LANG: 'ja_JP.UTF-8' });
});

it("shows the attempt's GPUs and no others, whatever the spec says", () => {
  expect(jobEnvironment(spec({ CUDA_VISIBLE_DEVICES: 'all' }, ['GPU-1', 'GPU-2']), sandboxed)).toMatchObject({
    CUDA_VISIBLE_DEVICES: 'GPU-1,GPU-2',
    NVIDIA_VISIBLE_DEVICES: 'GPU-1,GPU-2',
  });
});

it.each([{ 'a b': '' }, { 'A=B': '' }, { '1A': '' }, { A: 'x\0y' }])('refuses what cannot be passed on: %j', (environment) => {
  expect(() => jobEnvironment(spec(environment as unknown as Record<string, string>), sandboxed)).toThrow(expect.toSatisfy(isStartRefused));
});

it('without isolation paths into the job lead to where its folders are', () => {
  const environment = jobEnvironment(
    spec({
      KQI_ROOT: '/kqi',
      OUT: '/kqi/output/x',
      BOTH: '/kqi/output:/usr/lib:/opt/artifact',
      OTHER: '/opt',
      NEAR: '/kqi/outputs',
      URL: 'http://x/kqi/output',
    }),
    { ...sandboxed, sandbox: makePlainSandbox() },
  );
  expect(environment).toMatchObject({
    KQI_ROOT: '/p/root/kqi',
    OUT: '/p/root/kqi/output/x',
    BOTH: '/p/root/kqi/output:/usr/lib:/p/root/opt/artifact',
    OTHER: '/opt',
    NEAR: '/kqi/outputs',
    URL: 'http://x/kqi/output',
    SODATE_ROOT: '/p/root/',
  });
});

it('comes out of a shell as it went in', () => {
  const every = Array.from({ length: 0x3100 }, (_, code) => String.fromCharCode(code + 1));
  const values = [every.join(''), ...every.slice(0, 300), "''", "it's", 'a\n\n', '$(echo no) `echo no` \\\' "$HOME" ~ *', 'x'.repeat(100_000)];
  const environment = Object.fromEntries(values.map((value, nth) => [`V${nth}`, value]));
  const folder = mkdtempSync(path.join(tmpdir(), 'sodate-environment-'));
  try {
    writeFileSync(path.join(folder, 'environment.sh'), encodeEnvironment({ PATH: '/usr/bin:/bin', UID: '1', ...environment }));
    const said = execFileSync('/bin/sh', ['-c', '. "$0/environment.sh" 2>/dev/null; exec env -0', folder], { env: {}, maxBuffer: 2 ** 24 });
    const got = new Map(
      said
        .toString()
        .split('\0')
        .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    for (const [name, value] of Object.entries(environment)) expect(got.get(name)).toBe(value);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
