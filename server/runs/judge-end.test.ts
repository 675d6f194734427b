import { failureOf, judgeEnd } from '#runs/judge-end.ts';
import type { Exit } from '#executors/executor.ts';
import { FAILURE_CLASSES, type FailureClass } from '@sodate/contract/failures.ts';
import { describe, expect, it } from 'vitest';
import { runText, runWords } from '@sodate/contract/run-words.ts';

const said = (text: string) => runWords('as-written', { text });
const failed = (failureClass: FailureClass) => ({ class: failureClass, words: said('because') });

describe('what an end means for the run', () => {
  it.each([
    [null, null, {}, 'succeeded', null],
    [null, 'asked', {}, 'cancelled', null],
    [failed('user-error'), 'asked', {}, 'cancelled', null],
    [failed('node-lost'), 'asked', {}, 'cancelled', null],
    [null, 'time-limit', {}, 'failed', 'time-limit'],
    [failed('out-of-memory'), 'time-limit', {}, 'failed', 'time-limit'],
    [failed('node-lost'), 'time-limit', {}, 'failed', 'time-limit'],
    [failed('node-lost'), null, {}, 'queued', 'node-lost'],
    [failed('node-lost'), null, { 'node-lost': 2 }, 'queued', 'node-lost'],
    [failed('node-lost'), null, { 'node-lost': 3 }, 'failed', 'node-lost'],
    // Each class has its own budget.
    [failed('platform'), null, { 'node-lost': 3, preempted: 10 }, 'queued', 'platform'],
    [failed('preempted'), null, { preempted: 9 }, 'queued', 'preempted'],
    [failed('preempted'), null, { preempted: 10 }, 'failed', 'preempted'],
  ] as const)('%o, stop %s, tries %o: %s by %s', (failure, stop, retries, state, failureClass) => {
    const verdict = judgeEnd(failure, stop, retries);
    expect(verdict.state).toBe(state);
    expect(verdict.failure?.class ?? null).toBe(failureClass);
  });

  it.each(Object.entries(FAILURE_CLASSES))('%s is tried again exactly as often as its budget says', (name, { automaticRetries }) => {
    const tries = { count: 0 };
    while (judgeEnd(failed(name as FailureClass), null, { [name]: tries.count }).state === 'queued') tries.count += 1;
    expect(tries.count).toBe(automaticRetries);
  });
});

describe('what an end is called', () => {
  const exit = (known: Partial<Exit>): Exit => ({ code: null, signal: null, failure: null, startedAt: null, endedAt: null, ...known });
  it.each([
    [{ how: 'exited', exit: exit({ code: 0 }) }, null],
    [{ how: 'exited', exit: exit({ code: 1 }) }, ['user-error', 'exit code 1']],
    [{ how: 'exited', exit: exit({ code: 126 }) }, ['user-error', 'could not be executed']],
    [{ how: 'exited', exit: exit({ code: 127 }) }, ['user-error', 'not found']],
    [{ how: 'exited', exit: exit({ signal: 'SIGSEGV' }) }, ['user-error', 'SIGSEGV']],
    // What the executor knows is worth more than the code.
    [
      { how: 'exited', exit: exit({ signal: 'SIGKILL', failure: { class: 'out-of-memory', words: said('more than 1 GB') } }) },
      ['out-of-memory', 'more than 1 GB'],
    ],
    [{ how: 'exited', exit: exit({ code: 0, failure: { class: 'disk-limit', words: said('full') } }) }, ['disk-limit', 'full']],
    [{ how: 'lost', reason: said('the machine went away') }, ['node-lost', 'the machine went away']],
    [{ how: 'refused', class: 'image-pull', words: said('no such tag') }, ['image-pull', 'no such tag']],
  ] as const)('%o: %o', (end, expected) => {
    const failure = failureOf(end);
    if (expected === null) return expect(failure).toBeNull();
    expect(failure?.class).toBe(expected[0]);
    expect(failure === null ? '' : runText(failure.words)).toContain(expected[1]);
  });
});
