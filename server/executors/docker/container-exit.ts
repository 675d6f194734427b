import type Docker from 'dockerode';
import type { Exit, Observation } from '../executor.ts';
import { LABELS } from './container-spec.ts';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

/** The zero of the engine's language: never. */
const instant = (text: string | undefined): Date | null => (text === undefined || text.startsWith('0001-') ? null : new Date(text));

export interface SeenContainer {
  readonly container: Docker.ContainerInspectInfo;
  /** The engine may have made up how it ended (`mayBeMadeUp`), and does not remember to have seen it end. */
  readonly madeUp: boolean;
  /** The order that ended the attempt before its container was started. */
  readonly stoppedBy: string | null;
}

export const hasEverStarted = ({ State }: Docker.ContainerInspectInfo): boolean => instant(State.StartedAt) !== null;

/** What an engine gives a container that it finds dead and knows no code of, such as after a power loss. */
const UNKNOWN_CODE = 255;

/** A start of the engine looks after what it finds before it answers anybody: minutes on a machine with thousands of containers. */
const LONGEST_ENGINE_START_MS = 120_000;

/**
 * Whether the end lies where an engine that was away at the time puts something in the place of what it does not know: the
 * code for that, or, where its runtime has forgotten the container too, 0 at the moment of its own start.
 * @param engineStartedAt null where that is not known
 */
export function mayBeMadeUp({ State }: Docker.ContainerInspectInfo, engineStartedAt: Date | null): boolean {
  const startedAt = instant(State.StartedAt);
  const endedAt = instant(State.FinishedAt);
  if (engineStartedAt === null || startedAt === null || endedAt === null || startedAt >= engineStartedAt) return false;
  if (endedAt.getTime() >= engineStartedAt.getTime() + LONGEST_ENGINE_START_MS) return false;
  return State.ExitCode === UNKNOWN_CODE || (State.ExitCode === 0 && endedAt >= engineStartedAt);
}

const NOBODY_KNOWS: Exit['failure'] = {
  class: 'node-lost',
  words: runWords('end-unknown'),
};

/** What the engine's view of a container means. Never `gone`: that is for containers it does not know. */
export function observeContainer({ container, madeUp, stoppedBy }: SeenContainer): Observation {
  const { State } = container;
  const endedAt = instant(State.FinishedAt);
  const startedAt = instant(State.StartedAt);
  if (State.Status === 'created' || startedAt === null) {
    if (stoppedBy === null) return { state: 'pending', phase: 'starting' };
    return { state: 'exited', exit: { code: null, signal: stoppedBy, failure: null, startedAt: null, endedAt: null } };
  }
  // While somebody removes it, it may still be alive; then the engine does not know it any more.
  if (State.Running || State.Paused || State.Restarting || State.Status === 'removing') return { state: 'running' };
  const failure = failureOf(container);
  // 0 at no time at all is another thing that an engine says which was away at the end.
  if (endedAt === null || (madeUp && failure === null))
    return { state: 'exited', exit: { code: null, signal: null, failure: NOBODY_KNOWS, startedAt, endedAt } };
  // The engine notes the start when it hears of it, which of a job of a millisecond may be after its end.
  const began = endedAt < startedAt ? endedAt : startedAt;
  return { state: 'exited', exit: { code: State.ExitCode, signal: null, failure, startedAt: began, endedAt } };
}

function failureOf({ State, Config, HostConfig }: Docker.ContainerInspectInfo): Exit['failure'] {
  if (State.OOMKilled && State.ExitCode !== 0) {
    return { class: 'out-of-memory', words: runWords('memory-exceeded', { mebibytes: Math.round((HostConfig.Memory ?? 0) / 2 ** 20) }) };
  }
  const program = Config.Labels?.[LABELS.program];
  if (program !== undefined && (State.ExitCode === 127 || State.ExitCode === 126)) {
    const code = State.ExitCode === 127 ? 'program-not-in-image' : 'program-not-executable';
    return { class: 'user-error', words: runWords(code, { program: JSON.stringify(program) }) };
  }
  return null;
}

export interface StartFailure {
  readonly class: 'user-error' | 'platform';
  readonly words: RunWords;
}

/** Why the engine could not start a container, told apart by what its runtime says. `program` is null where a script is run. */
export function describeStartFailure(message: string, program: string | null): StartFailure {
  const said = message.replace(/^.*?(OCI runtime create failed|failed to create (?:shim )?task|failed to create shim):\s*/s, '').slice(0, 1000);
  if (/executable file not found|no such file or directory: unknown$|exec format error/i.test(message) && /exec/i.test(message)) {
    return {
      class: 'user-error',
      words:
        program === null ? runWords('script-unusable-in-image', { said }) : runWords('program-unusable-in-image', { program: JSON.stringify(program), said }),
    };
  }
  if (/chdir to cwd|mkdir .*(permission denied|not a directory)|not a directory|unable to find user|permission denied/i.test(message)) {
    return { class: 'user-error', words: runWords('image-unsuited', { said }) };
  }
  if (/could not select device driver|nvidia/i.test(message)) {
    return { class: 'platform', words: runWords('gpus-not-given', { said }) };
  }
  return { class: 'platform', words: runWords('container-not-started', { said }) };
}
