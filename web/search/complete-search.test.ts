import { describe, expect, it } from 'vitest';
import { completeSearch, isPlainText, nameAt } from './complete-search.ts';
import { SEARCH_FIELDS } from './search-fields.ts';
import { joinConditions, quoteValue, writeCondition } from './write-search.ts';

const known = { tags: ['mnist', 'two words'], people: ['ada', 'bob'], metrics: ['accuracy', 'train/loss', 'val loss'], parameters: ['lr'] };
const at = (text: string, caret = text.length) => completeSearch(text, caret, SEARCH_FIELDS.run, known);
const labels = (text: string, caret?: number): readonly string[] => at(text, caret).map(({ label }) => label);
/** The search after the suggestion of that name was taken. */
const taken = (text: string, label: string): string => {
  const one = at(text).find((suggestion) => suggestion.label === label);
  return one === undefined ? 'not offered' : text.slice(0, one.from) + one.insert;
};

describe('completing a search', () => {
  it('offers every field where a condition begins', () => {
    expect(labels('')).toContain('state');
    expect(labels('digits ')).toContain('metric.');
    expect(labels('digits -')).toContain('state');
  });

  it('narrows fields by what is written, those that begin with it first', () => {
    expect(labels('dat')).toEqual(['dataset', 'data']);
    expect(labels('ar')).toEqual(expect.arrayContaining(['param.', 'started', 'partition', 'parent']));
    expect(labels('zzz')).toEqual([]);
  });

  it('offers the operators that a whole field has', () => {
    expect(labels('state')).toEqual([':', '=', '!=']);
    expect(labels('created').slice(0, 6)).toEqual([':', '<', '<=', '>', '>=', '!=']);
    expect(labels('metric.loss')).toContain('<');
    expect(labels('metric."val loss"')).toContain('<');
  });

  it('offers the names that a family is known to have, then operators', () => {
    expect(labels('metric.')).toEqual(['accuracy', 'train/loss', 'val loss']);
    expect(labels('digits -param.')).toEqual(['lr']);
    expect(labels('highest.loss').slice(0, 2)).toEqual(['train/loss', 'val loss']);
    expect(labels('highest.loss')).toContain('<');
    expect(labels('metric.accuracy')[0]).toBe(':');
    expect(labels('metric."val')[0]).toBe('val loss');
    expect(labels('metric."val loss"')[0]).toBe(':');
    expect(labels('state.')).toEqual([]);
    expect(labels('"metric.')).toEqual([]);
  });

  it.each([
    ['state:', 'failed', 'state:failed '],
    ['digits state:fai', 'failed', 'digits state:failed '],
    ['state:failed,can', 'cancelled', 'state:failed,cancelled '],
    ['state = ', 'failed', 'state = failed '],
    ['-tag:two', 'two words', '-tag:"two words" '],
    ['tag:"two w', 'two words', 'tag:"two words" '],
    ['creator:', 'ada', 'creator:ada '],
    ['created>=', 'now-7d', 'created>=now-7d '],
    ['metric.', 'train/loss', 'metric.train/loss'],
    ['lowest.va', 'val loss', 'lowest."val loss"'],
    ['digits metric."val', 'val loss', 'digits metric."val loss"'],
    ['name:"a b" sta', 'state', 'name:"a b" state'],
    ['metric."val loss"<0.1 st', 'state', 'metric."val loss"<0.1 state'],
  ])('%s + %s → %s', (text, label, result) => {
    expect(taken(text, label)).toBe(result);
  });

  it('offers nothing inside a text, for an unknown field or a value that is complete', () => {
    expect(labels('"state:')).toEqual([]);
    expect(labels('"some text state')).toEqual([]);
    expect(labels('nonsense:')).toEqual([]);
    expect(labels('state:failed')).toEqual([]);
  });

  it('looks at what is before the caret', () => {
    expect(labels('state: digits', 6)).toContain('running');
  });

  it('is quick with the longest search that there may be', () => {
    expect(labels('a,'.repeat(1_000))).toEqual([]);
    expect(labels('tag:'.concat('a,'.repeat(990)))).toContain('mnist');
  });
});

describe('the name that is being written', () => {
  it.each([
    ['metric.', { kind: 'metric', text: '' }],
    ['digits -lowest.val', { kind: 'metric', text: 'val' }],
    ['PARAM.l', { kind: 'parameter', text: 'l' }],
    ['param."learning r', { kind: 'parameter', text: 'learning r' }],
    ['metric', null],
    ['metric.loss<', null],
    ['name.x', null],
    ['"metric.', null],
  ] as const)('%s: %o', (text, expected) => {
    expect(nameAt(text, text.length, SEARCH_FIELDS.run)).toEqual(expected);
  });
});

describe('what is sent while it is typed', () => {
  it.each([
    ['digits', true],
    ['digits mnist', true],
    ['数字認識', true],
    ['di', false],
    ['digits x', false],
    ['state:fai', false],
    ['metric.loss<', false],
    ['metric.lo', false],
    ['digits Param.', false],
    ['v1.2 model.pt', true],
    ['"a b', false],
    ['not', false],
    ['-digits', false],
  ])('%s: %s', (text, sent) => {
    expect(isPlainText(text, SEARCH_FIELDS.run)).toBe(sent);
  });
});

describe('writing conditions', () => {
  it('quotes what the grammar would read otherwise', () => {
    expect(['plain', 'a b', 'a,b', 'say "x"', 'back\\s lash', '>x', 'a..b', ''].map(quoteValue)).toEqual([
      'plain',
      '"a b"',
      '"a,b"',
      String.raw`"say \"x\""`,
      String.raw`"back\\s lash"`,
      '">x"',
      '"a..b"',
      '""',
    ]);
  });

  it('leaves out what is not asked for', () => {
    expect(joinConditions([writeCondition('state', ['failed', 'cancelled']), writeCondition('tag', []), undefined, 'digits'])).toBe(
      'state:failed,cancelled digits',
    );
  });
});
