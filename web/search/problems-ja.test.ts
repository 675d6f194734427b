import { describe, expect, it } from 'vitest';
import { SEARCH_PROBLEMS } from '../../server/search/search-problems.ts';
import { SEARCH_PROBLEMS_JA, searchProblemInJapanese } from './problems-ja.ts';
import { SEARCH_FIELDS } from './search-fields.ts';

const places = (text: string): readonly string[] => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

describe('what is wrong with a search, in Japanese', () => {
  it('has a sentence for every problem that the server finds, with the same parts', () => {
    expect(Object.keys(SEARCH_PROBLEMS_JA).sort()).toEqual(Object.keys(SEARCH_PROBLEMS).sort());
    for (const [why, text] of Object.entries(SEARCH_PROBLEMS)) expect(places(SEARCH_PROBLEMS_JA[why] ?? ''), why).toEqual(places(text));
  });

  it('says what a field takes, whichever it is', () => {
    for (const thing of ['data', 'dataset', 'run'] as const)
      for (const { name } of SEARCH_FIELDS[thing]) {
        const said = searchProblemInJapanese(thing, { why: 'wrong-value', field: name, takes: 'something in English' });
        expect(said).toContain(name);
        expect(said).not.toMatch(/[{}]|English|別の値/);
      }
    expect(searchProblemInJapanese('run', { why: 'wrong-value', field: 'state' })).toContain('failed');
  });

  it('leaves to the server what it does not know', () => {
    expect(searchProblemInJapanese('run', { why: 'something-new' })).toBeNull();
    expect(searchProblemInJapanese('run', {})).toBeNull();
    expect(searchProblemInJapanese('run', { why: 'constructor' })).toBeNull();
  });
});
