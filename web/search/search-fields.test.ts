import { describe, expect, it } from 'vitest';
import { DATA_LIST } from '../../server/data/data-search.ts';
import { DATASET_LIST } from '../../server/datasets/dataset-search.ts';
import { RUN_LIST } from '../../server/runs/run-search.ts';
import { operatorsOf, SEARCH_FIELDS } from './search-fields.ts';

const inOrder = <Item extends { readonly name: string }>(items: readonly Item[]): Item[] => items.toSorted((a, b) => a.name.localeCompare(b.name));

describe('the fields that are offered', () => {
  it.each([
    ['data', DATA_LIST],
    ['dataset', DATASET_LIST],
    ['run', RUN_LIST],
  ] as const)('are those that the server knows: %s', (thing, list) => {
    const offered = SEARCH_FIELDS[thing].map((field) => ({ name: field.name, family: field.family ?? false }));
    expect(inOrder(offered)).toEqual(inOrder(list.fields.map(({ name, family }) => ({ name, family }))));
  });

  it.each([
    ['data', DATA_LIST],
    ['dataset', DATASET_LIST],
    ['run', RUN_LIST],
  ] as const)('have no operator that the server refuses: %s', (thing, list) => {
    for (const field of SEARCH_FIELDS[thing]) {
      expect(list.fields.find(({ name }) => name === field.name)?.operators, field.name).toEqual(expect.arrayContaining([...operatorsOf(field)]));
    }
  });
});
