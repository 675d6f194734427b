import type { RunState } from '@sodate/contract/runs.ts';

/**
 * The states of a run and every legal move between them, as data. docs/run-states.md is generated from this table, the
 * store refuses any other move, and the simulation checks that none happens.
 */
export const RUN_MOVES: Readonly<Record<RunState, Readonly<Partial<Record<RunState, string>>>>> = {
  queued: { starting: 'placed on a node', cancelled: 'stop asked before it was placed' },
  starting: { running: 'the executor started it', stopping: 'started, and a stop had been asked', finishing: 'it could not be started' },
  running: { stopping: 'a stop was asked, or its time limit is over', finishing: 'it ended by itself, or was lost' },
  stopping: { finishing: 'it has ended' },
  finishing: { succeeded: 'exit code 0', failed: 'any other end', cancelled: 'a stop had been asked', queued: 'a failure that is tried again by itself' },
  succeeded: {},
  failed: {},
  cancelled: {},
};

/** The states from which `to` can be reached in one move. */
export const statesBefore = (to: RunState): readonly RunState[] => (Object.keys(RUN_MOVES) as RunState[]).filter((from) => RUN_MOVES[from][to] !== undefined);

export const isEnded = (state: RunState): boolean => Object.keys(RUN_MOVES[state]).length === 0;

/** A process or container of the run may exist. */
export const isLive = (state: RunState): boolean => state !== 'queued' && !isEnded(state);

/** The states diagram of docs/run-states.md, as Mermaid. */
export function drawRunStates(): string {
  const moves = Object.entries(RUN_MOVES).flatMap(([from, targets]) => Object.entries(targets).map(([to, why]) => `    ${from} --> ${to}: ${why}`));
  const ends = Object.keys(RUN_MOVES)
    .filter((state) => isEnded(state as RunState))
    .map((state) => `    ${state} --> [*]`);
  return ['stateDiagram-v2', '    [*] --> queued: submitted', '    [*] --> running: begun outside of the platform', ...moves, ...ends].join('\n');
}
