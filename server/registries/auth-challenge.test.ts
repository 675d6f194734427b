import { parseAuthChallenges } from '#registries/auth-challenge.ts';
import { expect, it } from 'vitest';

it.each<[string, unknown]>([
  ['', []],
  ['Basic realm="Registry"', [['basic', { realm: 'Registry' }]]],
  ['basic', [['basic', {}]]],
  [
    'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
    [['bearer', { realm: 'https://auth.example/token', service: 'registry.example', scope: 'repository:a/b:pull,push' }]],
  ],
  ['Bearer realm = "x" , Service=y', [['bearer', { realm: 'x', service: 'y' }]]],
  [
    'Basic realm="a", Bearer realm="b",error="insufficient_scope"',
    [
      ['basic', { realm: 'a' }],
      ['bearer', { realm: 'b', error: 'insufficient_scope' }],
    ],
  ],
  [
    'Negotiate, Basic realm="x"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  [String.raw`Basic realm="say \"hello\", \\"`, [['basic', { realm: String.raw`say "hello", \ `.trim() }]]],
  ['Basic realm="never closed', [['basic', { realm: '' }]]],
  ['realm="of nothing"', []],
  ['="x"', []],
  [', , ,', []],
])('%s', (header, expected) => {
  expect(parseAuthChallenges(header).map(({ scheme, parameters }) => [scheme, parameters])).toEqual(expected);
});

it('ends for any text', () => {
  for (const header of ['='.repeat(10_000), '"'.repeat(10_000), 'a='.repeat(10_000), `Basic realm="${'\\'.repeat(10_000)}`, 'a '.repeat(10_000)])
    expect(Array.isArray(parseAuthChallenges(header))).toBe(true);
});
