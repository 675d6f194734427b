import { drawRunStates, isEnded, isLive, RUN_MOVES, statesBefore } from '#runs/run-states.ts';
import { makeRandom } from '#runs/simulation/random.ts';
import { RUN_STATES, type RunState } from '@sodate/contract/runs.ts';
import { describe, expect, it } from 'vitest';

/** Every legal move, written down a second time: a change of the table has to be meant. */
const LEGAL = new Set([
  'queued starting',
  'queued cancelled',
  'starting running',
  'starting stopping',
  'starting finishing',
  'running stopping',
  'running finishing',
  'stopping finishing',
  'finishing succeeded',
  'finishing failed',
  'finishing cancelled',
  'finishing queued',
]);

describe('the states of a run', () => {
  it.each(RUN_STATES.flatMap((from) => RUN_STATES.map((to) => ({ from, to, legal: LEGAL.has(`${from} ${to}`) }))))(
    '$from → $to: $legal',
    ({ from, to, legal }) => {
      expect(RUN_MOVES[from][to] !== undefined).toBe(legal);
      expect(statesBefore(to).includes(from)).toBe(legal);
    },
  );

  it.each([
    ['queued', false, false],
    ['starting', true, false],
    ['running', true, false],
    ['stopping', true, false],
    ['finishing', true, false],
    ['succeeded', false, true],
    ['failed', false, true],
    ['cancelled', false, true],
  ] as const)('%s: live %s, ended %s', (state, live, ended) => {
    expect([isLive(state), isEnded(state)]).toEqual([live, ended]);
  });

  it('draws each move, the beginning and the ends', () => {
    const lines = drawRunStates()
      .split('\n')
      .map((line) => line.trim());
    expect(lines[0]).toBe('stateDiagram-v2');
    expect(lines.filter((line) => / --> [a-z]+: /.test(line) && !line.startsWith('[*]'))).toHaveLength(LEGAL.size);
    for (const move of LEGAL) expect(lines.some((line) => line.startsWith(`${move.replace(' ', ' --> ')}: `))).toBe(true);
    expect(lines.filter((line) => line.endsWith('--> [*]'))).toEqual(['succeeded --> [*]', 'failed --> [*]', 'cancelled --> [*]']);
  });

  it('leads every legal walk to one end, from which nothing moves it, and counts its attempts', () => {
    for (let seed = 0; seed < 20_000; seed += 1) {
      const random = makeRandom(seed);
      const walk = { state: 'queued' as RunState, live: 0, attempts: 0, released: 0 };
      for (let step = 0; step < 40; step += 1) {
        const to = random.pick(RUN_STATES);
        if (!statesBefore(to).includes(walk.state)) continue;
        if (to === 'starting') Object.assign(walk, { live: walk.live + 1, attempts: walk.attempts + 1 });
        if (walk.state === 'finishing') Object.assign(walk, { live: walk.live - 1, released: walk.released + 1 });
        // Some 100,000 moves: an `expect` for each would take most of the time.
        if (isEnded(walk.state)) expect.fail(`seed ${seed}: moved on from ${walk.state}`);
        walk.state = to;
        if (walk.live !== (isLive(to) ? 1 : 0)) expect.fail(`seed ${seed}: ${walk.live} live attempts while ${to}`);
      }
      if (walk.attempts - walk.released !== walk.live) expect.fail(`seed ${seed}: ${walk.attempts} attempts, ${walk.released} released, ${walk.live} live`);
    }
  });
});
