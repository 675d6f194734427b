import { expect, it } from 'vitest';
import { describeExit, parseExitRecord, parseFacts, preparedRecord } from './exit-record.ts';

const facts = { program: 'train', memoryBytes: 64 * 2 ** 20 };
const end = (code: number, note: string, outOfMemoryKills = 0) =>
  describeExit({ record: { kind: 'exit', code, outOfMemoryKills }, note, facts, startedAt: null, endedAt: null });

it('is overwritten in place, the facts staying', () => {
  const prepared = preparedRecord('b7e1', facts);
  const record = 'exit 137 1 .\n';
  const overwritten = record + prepared.slice(record.length);
  expect(parseExitRecord(prepared)).toEqual({ kind: 'prepared', boot: 'b7e1' });
  expect(parseExitRecord(overwritten)).toEqual({ kind: 'exit', code: 137, outOfMemoryKills: 1 });
  expect(parseFacts(overwritten)).toEqual(facts);
});

it.each(['', 'exit 0', 'exit 0 0', 'exit 0 0 \n', 'other 1 .'])('takes no half of a record for one: %j', (text) => {
  expect(parseExitRecord(text)).toBeNull();
});

it.each([
  ['an exit code', 137, 'began\nended\n', { code: 137, signal: null, failure: null }],
  ['a signal, by dash', 137, 'began\nKilled\nended\n', { code: null, signal: 'SIGKILL', failure: null }],
  ['a signal, by bash', 139, 'began\nrun-job: line 3: 9 Segmentation fault  ( exec "$@" )\nended\n', { code: null, signal: 'SIGSEGV', failure: null }],
  ['everything killed at once', 137, 'began\n', { code: null, signal: 'SIGKILL', failure: null }],
  ['killed before it began', 137, '', { code: null, signal: 'SIGKILL', failure: null }],
])('tells %s', (_, code, note, expected) => {
  expect(end(code, note)).toMatchObject(expected);
});

it('names what failed beyond the code', () => {
  expect(end(1, "bwrap: Can't mount proc\n").failure).toEqual({
    class: 'platform',
    words: { code: 'sandbox-not-made', params: { exitCode: 1, said: "bwrap: Can't mount proc" } },
  });
  expect(end(137, 'began\n', 1).failure?.class).toBe('out-of-memory');
  expect(end(0, 'began\nended\n', 1).failure).toBeNull();
  expect(end(127, 'began\nended\n').failure).toEqual({ class: 'user-error', words: { code: 'program-not-found', params: { program: '"train"' } } });
});
