import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { describeStartFailure, mayBeMadeUp, observeContainer } from './container-exit.ts';
import { LABELS } from './container-spec.ts';

const NEVER = '0001-01-01T00:00:00Z';
const STARTED = '2026-01-01T10:00:00.123456789Z';
const ENDED = '2026-01-01T11:00:00.5Z';

const container = (state: Partial<Docker.ContainerInspectInfo['State']>, labels: Record<string, string> = {}): Docker.ContainerInspectInfo =>
  ({
    State: {
      Status: 'exited',
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      ExitCode: 0,
      Error: '',
      StartedAt: STARTED,
      FinishedAt: ENDED,
      ...state,
    },
    Config: { Labels: labels },
    HostConfig: { Memory: 64 * 2 ** 20 },
  }) as Docker.ContainerInspectInfo;
const see = (seen: Docker.ContainerInspectInfo, { madeUp = false, stoppedBy = null as string | null } = {}) =>
  observeContainer({ container: seen, madeUp, stoppedBy });

describe('what a container is seen as', () => {
  it('is pending before its start, or ended if a stop came first', () => {
    const created = container({ Status: 'created', StartedAt: NEVER, FinishedAt: NEVER });
    expect(see(created)).toEqual({ state: 'pending', phase: 'starting' });
    expect(see(created, { stoppedBy: 'SIGKILL' })).toEqual({
      state: 'exited',
      exit: { code: null, signal: 'SIGKILL', failure: null, startedAt: null, endedAt: null },
    });
  });

  it('runs, also while it is paused or being removed', () => {
    expect(see(container({ Status: 'running', Running: true, FinishedAt: NEVER }))).toEqual({ state: 'running' });
    expect(see(container({ Status: 'paused', Running: true, Paused: true }))).toEqual({ state: 'running' });
    expect(see(container({ Status: 'removing' }))).toEqual({ state: 'running' });
  });

  it('has ended with its code and times, also when the engine could not remove it', () => {
    for (const Status of ['exited', 'dead'] as const) {
      expect(see(container({ Status, ExitCode: 7 }))).toEqual({
        state: 'exited',
        exit: { code: 7, signal: null, failure: null, startedAt: new Date('2026-01-01T10:00:00.123Z'), endedAt: new Date('2026-01-01T11:00:00.5Z') },
      });
    }
  });

  it('has ended nobody knows how, when an engine that was away says 0 at no time', () => {
    expect(see(container({ ExitCode: 0, FinishedAt: NEVER }))).toMatchObject({ exit: { code: null, failure: { class: 'node-lost' }, endedAt: null } });
  });

  it('fails as out of memory, unless the job went on and succeeded', () => {
    expect(see(container({ OOMKilled: true, ExitCode: 137 }))).toMatchObject({
      exit: { failure: { class: 'out-of-memory', words: { code: 'memory-exceeded', params: { mebibytes: 64 } } } },
    });
    expect(see(container({ OOMKilled: true, ExitCode: 0 }))).toMatchObject({ exit: { failure: null } });
  });

  it('blames the user for a program that is not there, but not a script that ends with the same code', () => {
    expect(see(container({ ExitCode: 127 }, { [LABELS.program]: 'nope' }))).toMatchObject({
      exit: { failure: { class: 'user-error', words: { code: 'program-not-in-image', params: { program: '"nope"' } } } },
    });
    expect(see(container({ ExitCode: 126 }, { [LABELS.program]: 'nope' }))).toMatchObject({ exit: { failure: { class: 'user-error' } } });
    expect(see(container({ ExitCode: 127 }))).toMatchObject({ exit: { failure: null } });
  });

  it('has ended nobody knows how, when the engine made up the end; unless it ran out of memory before', () => {
    const lost = { exit: { code: null, failure: { class: 'node-lost' }, endedAt: new Date(ENDED) } };
    for (const ExitCode of [0, 255]) expect(see(container({ ExitCode }), { madeUp: true })).toMatchObject(lost);
    expect(see(container({ ExitCode: 255, OOMKilled: true }), { madeUp: true })).toMatchObject({ exit: { failure: { class: 'out-of-memory' } } });
  });
});

describe('an end that an engine may have made up', () => {
  const BEFORE_END = new Date('2026-01-01T10:59:59Z');
  const AFTER_END = new Date('2026-01-01T11:00:01Z');

  it('is 255 where the engine went down under the job: at the engine’s start, or before, unseen', () => {
    for (const engineStart of [BEFORE_END, AFTER_END]) expect(mayBeMadeUp(container({ ExitCode: 255 }), engineStart)).toBe(true);
  });

  it('is 0 at the engine’s start, not before: of that its runtime knows', () => {
    expect(mayBeMadeUp(container({}), BEFORE_END)).toBe(true);
    expect(mayBeMadeUp(container({}), AFTER_END)).toBe(false);
  });

  it('is none that lies in one life of the engine, long after its start, or where nothing is known of the engine', () => {
    for (const ExitCode of [0, 255])
      for (const engineStart of [new Date('2026-01-01T09:00:00Z'), new Date('2026-01-01T10:30:00Z'), null])
        expect(mayBeMadeUp(container({ ExitCode }), engineStart)).toBe(false);
  });

  it('is none of any other code, nor of a container that has not ended', () => {
    expect(mayBeMadeUp(container({ ExitCode: 254 }), BEFORE_END)).toBe(false);
    expect(mayBeMadeUp(container({ Status: 'running', Running: true, FinishedAt: NEVER }), BEFORE_END)).toBe(false);
  });
});

describe('why a container could not be started', () => {
  const frame = 'failed to create shim: OCI runtime create failed: runc create failed: unable to start container process: ';
  const cases: [string, 'user-error' | 'platform'][] = [
    [`${frame}exec: "nope": executable file not found in $PATH: unknown`, 'user-error'],
    [`${frame}exec: "/etc/passwd": permission denied: unknown`, 'user-error'],
    [`${frame}exec /x: exec format error`, 'user-error'],
    [`${frame}chdir to cwd ("/root/x") set in config.json failed: permission denied: unknown`, 'user-error'],
    ['unable to find user worker: no matching entries in passwd file', 'user-error'],
    ['could not select device driver "nvidia" with capabilities: [[gpu]]', 'platform'],
    [`${frame}error during container init: something odd`, 'platform'],
  ];
  for (const [said, failureClass] of cases)
    it(`${failureClass}: ${said.slice(-60)}`, () => expect(describeStartFailure(said, 'nope').class).toBe(failureClass));
});
