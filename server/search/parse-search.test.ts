import { parseSearch, type WrittenTerm } from '#search/parse-search.ts';
import { printSearch } from '#search/print-search.ts';
import { describe, expect, it } from 'vitest';

/** Without the places, which differ between two ways of writing the same. */
const meaning = (search: string): unknown => JSON.parse(JSON.stringify(parseSearch(search), (key, value: unknown) => (key === 'at' ? undefined : value)));

const comparison = (field: string, operator: string, values: readonly string[], more: object = {}) => ({
  kind: 'comparison',
  negated: false,
  field,
  member: null,
  operator,
  values: values.map((text) => ({ kind: 'one', text })),
  ...more,
});
const text = (words: string, negated = false) => ({ kind: 'text', negated, text: words });

describe('a search', () => {
  it.each([
    ['', []],
    ['   ', []],
    ['digits', [text('digits')]],
    ['digits -"old try"', [text('digits'), text('old try', true)]],
    ['not digits and NOT "a\\"b\\\\"', [text('digits', true), text('a"b\\', true)]],
    ['#12', [comparison('number', ':', ['12'])]],
    ['-#12', [comparison('number', ':', ['12'], { negated: true })]],
    ['state:failed,cancelled', [comparison('state', ':', ['failed', 'cancelled'])]],
    ['STATE : failed , cancelled', [comparison('state', ':', ['failed', 'cancelled'])]],
    ['metric.loss < 0.1', [comparison('metric', '<', ['0.1'], { member: 'loss' })]],
    ['metric.train/loss.v2<=1e-3', [comparison('metric', '<=', ['1e-3'], { member: 'train/loss.v2' })]],
    ['metric."val loss">=0.5', [comparison('metric', '>=', ['0.5'], { member: 'val loss' })]],
    ['param.lr = 0.01 tag!="a b"', [comparison('param', '=', ['0.01'], { member: 'lr' }), comparison('tag', '!=', ['a b'])]],
    ['size:1MB..', [{ ...comparison('size', ':', []), values: [{ kind: 'range', from: '1MB', to: null }] }]],
    ['created:..2026-01', [{ ...comparison('created', ':', []), values: [{ kind: 'range', from: null, to: '2026-01' }] }]],
    ['resnet-50 v1.2 データ', [text('resnet-50'), text('v1.2'), text('データ')]],
  ])('is read: %s', (search, expected) => {
    expect(meaning(search)).toEqual(expected);
  });

  it.each([
    ['state:', 7, 'a value is missing'],
    ['state:failed,', 14, 'a value is missing'],
    ['a "b', 3, 'not closed'],
    ['digits or faces', 8, 'there is no “or”'],
    ['(a)', 1, 'brackets'],
    ['size:..', 6, 'at least one end'],
    ['metric.<1', 1, 'a name is missing'],
    ['-', 2, 'a condition is missing'],
    ['--a', 3, 'one negation'],
    ['"a"b', 4, 'a space is missing'],
    ['state:a(b', 8, 'a space is missing'],
    ['state:=a', 7, 'a value is missing'],
    [Array.from({ length: 31 }, (_nothing, at) => `a${at}`).join(' '), 10 * 3 + 20 * 4 + 1, 'at most 30 conditions'],
    [`number:${Array.from({ length: 101 }, () => '1').join(',')}`, 208, 'at most 100 values'],
  ])('is refused with the place: %s', (search, at, problem) => {
    expect(() => parseSearch(search)).toThrow(problem);
    expect(() => parseSearch(search)).toThrow(
      expect.objectContaining({ code: 'search-not-understood', params: expect.objectContaining({ at, why: expect.any(String) }) }),
    );
  });

  it('means the same after being printed, whatever it is made of', () => {
    const random = randomFrom(20_261_122);
    for (let round = 0; round < 3_000; round += 1) {
      const terms = Array.from({ length: 1 + random(5) }, () => randomTerm(random));
      const printed = printSearch(terms);
      expect([printed, meaning(printed)]).toEqual([printed, JSON.parse(JSON.stringify(terms, (key, value: unknown) => (key === 'at' ? undefined : value)))]);
      expect(printSearch(parseSearch(printed))).toBe(printed);
    }
  });

  it('is understood or refused, and if understood means the same after being printed, whatever characters it has', () => {
    const random = randomFrom(7);
    const understood = { count: 0 };
    for (let round = 0; round < 20_000; round += 1) {
      const search = Array.from({ length: 1 + random(12) }, () => PIECES[random(PIECES.length)]).join('');
      try {
        const terms = parseSearch(search);
        understood.count += 1;
        expect([search, meaning(printSearch(terms))]).toEqual([search, meaning(search)]);
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error)) throw error;
        expect(error.code).toBe('search-not-understood');
      }
    }
    expect(understood.count).toBeGreaterThan(1_000);
  });
});

const PIECES = [
  'a',
  'b c',
  ':',
  '=',
  '<',
  '>=',
  '!',
  '"',
  '\\',
  '..',
  '.',
  '-',
  'not ',
  ' and ',
  'or',
  ' ',
  ',',
  '#1',
  '(',
  ')',
  '日本',
  '\u{1f600}',
  "'",
  ';',
  '%',
  '_',
  '\n',
];

/** The same each time, so that a failure can be looked at. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function randomTerm(random: (below: number) => number): WrittenTerm {
  const letters = ['a', 'B', '1', ' ', '"', '\\', ',', '.', '..', ':', '=', '<', '-', 'é', '日', '\u{1f600}', '(', "'", 'and', 'or', 'not', '#'];
  const words = (): string => Array.from({ length: random(6) }, () => letters[random(letters.length)]).join('');
  const negated = random(2) === 0;
  if (random(3) === 0) return { kind: 'text', negated, text: words(), at: 0 };
  const operators = [':', '=', '!=', '<', '<=', '>', '>='] as const;
  return {
    kind: 'comparison',
    negated,
    field: ['name', 'metric', 'x_1'][random(3)] ?? 'name',
    member: random(2) === 0 ? null : `m${words()}`,
    operator: operators[random(operators.length)] ?? ':',
    values: Array.from({ length: 1 + random(3) }, () =>
      random(4) === 0
        ? ({ kind: 'range', from: random(2) === 0 ? '1' : null, to: '2026-01', at: 0 } as const)
        : ({ kind: 'one', text: words(), at: 0 } as const),
    ),
    at: 0,
  };
}
