import { EXPERIMENT_GRAMMAR, parseFilter, parseOrder, RUN_GRAMMAR } from '#mlflow/search-grammar.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const only = (text: string) => {
  const found = parseFilter(text, RUN_GRAMMAR);
  expect(found).toHaveLength(1);
  return found[0];
};

describe("MLflow's filters", () => {
  it.each([
    ['metrics.loss < 0.3', { entity: 'metric', key: 'loss', comparator: '<', value: 0.3 }],
    ['metric.loss>=-1e-3', { entity: 'metric', key: 'loss', comparator: '>=', value: -0.001 }],
    ['metrics.`a b` != 1', { entity: 'metric', key: 'a b', comparator: '!=', value: 1 }],
    ['metrics."a = b and c" = 1', { entity: 'metric', key: 'a = b and c', comparator: '=', value: 1 }],
    ['`metrics`.loss = 1', { entity: 'metric', key: 'loss', comparator: '=', value: 1 }],
    ["params.model = 'a ''quoted'' one'", { entity: 'parameter', key: 'model', comparator: '=', value: "a 'quoted' one" }],
    ['param.model ilike "RES%"', { entity: 'parameter', key: 'model', comparator: 'ILIKE', value: 'RES%' }],
    ['tags.mlflow.source.name = "train.py"', { entity: 'tag', key: 'mlflow.source.name', comparator: '=', value: 'train.py' }],
    ['tags.x IS  not   NULL', { entity: 'tag', key: 'x', comparator: 'IS NOT NULL', type: 'presence' }],
    ["status = 'FINISHED'", { entity: 'attribute', key: 'status', comparator: '=', value: 'FINISHED' }],
    ["attributes.`Run name` = 'x'", { entity: 'attribute', key: 'run_name', comparator: '=', value: 'x' }],
    ['created > 12', { entity: 'attribute', key: 'start_time', comparator: '>', value: 12 }],
    ['run_id NOT IN (\'a\', "b")', { entity: 'attribute', key: 'run_id', comparator: 'NOT IN', value: ['a', 'b'] }],
    ["datasets.context = 'train'", { entity: 'dataset', key: 'context', comparator: '=', value: 'train' }],
  ])('reads %s', (text, expected) => {
    expect(only(text)).toMatchObject(expected);
  });

  it('reads conditions joined by AND, and nothing as none', () => {
    expect(parseFilter("metrics.a > 1 AND params.b = 'x and y' and tags.c LIKE '%'", RUN_GRAMMAR).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    expect(parseFilter('  ', RUN_GRAMMAR)).toEqual([]);
  });

  it.each([
    "metrics.a > '1'",
    'params.a = 1',
    'params.a = x',
    "params.a > 'x'",
    'metrics.a LIKE 1',
    'metrics.a > 1 or metrics.b > 2',
    'metrics.a >',
    'metrics.a',
    'metrics. = 1',
    "nothing.a = 'x'",
    "attributes.password = 'x'",
    "params.a IN ('x')",
    "run_name IN ('x')",
    'metrics.a IS NULL',
    "params.a = 'x",
    "run_id IN ('x'",
    'metrics.a = 1; drop table runs',
    'metrics.a = 12abc',
  ])('refuses %s', (text) => {
    expect(() => parseFilter(text, RUN_GRAMMAR)).toThrow(/does not have the expected form/);
  });

  it('knows that experiments have no metrics', () => {
    expect(() => parseFilter('metrics.a = 1', EXPERIMENT_GRAMMAR)).toThrow(/Invalid entity type/);
    expect(parseFilter("name = 'x' and tags.y = 'z'", EXPERIMENT_GRAMMAR)).toHaveLength(2);
  });

  it('reads or refuses whatever it is given', () => {
    const piece = fc.constantFrom('metrics', 'params.', '`', "'", '"', ' ', '=', '<', 'AND', 'IN', '(', ')', ',', 'x', '1', '-', '.', 'IS NULL', '\0', '日');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            parseFilter(text, RUN_GRAMMAR);
          } catch (error) {
            if (!isSodateError(error)) throw error;
          }
        },
      ),
    );
  });
});

describe("MLflow's orders", () => {
  it.each([
    ['metrics.acc DESC', { entity: 'metric', key: 'acc', ascending: false }],
    ['start_time', { entity: 'attribute', key: 'start_time', ascending: true }],
    ['params.`a b` asc', { entity: 'parameter', key: 'a b', ascending: true }],
    ['attribute.end_time  desc', { entity: 'attribute', key: 'end_time', ascending: false }],
  ])('reads %s', (text, expected) => expect(parseOrder([text], RUN_GRAMMAR)).toEqual([expected]));

  it.each(['', 'metrics.acc up', 'metrics.acc desc, x', 'dataset.name asc'])('refuses %j', (text) => {
    expect(() => parseOrder([text], RUN_GRAMMAR)).toThrow(/does not have the expected form/);
  });
});
