import { type Asking, type Condition, orderedField, readDecimal, type SearchField } from '#search/search-fields.ts';
import { decimalColumn, type SortColumn } from '#search/sort-order.ts';
import { type RawBuilder, sql } from 'kysely';

/** Of a scalar series: the value at its last step, and the least and the largest. */
type Statistic = 'last_value' | 'min_value' | 'max_value';

const statistic = (column: Statistic): RawBuilder<unknown> => sql.ref(`series.${column}`);

const TAKES = 'a number such as 0.5, or a range such as 0.1..1';

/** Runs by a metric of theirs: `metric.loss<0.1` is the last value, `lowest.loss` and `highest.loss` the extremes. */
export const metricField = (name: string, column: Statistic): SearchField =>
  orderedField<number>({
    name,
    family: true,
    takes: TAKES,
    type: 'double precision',
    value: statistic(column),
    parse: (text) => {
      const number = readDecimal(text);
      return number === null ? null : { from: number };
    },
    inside: (comparison, { tenant }, metric) =>
      // NaN is larger than every number to the database, and no answer to "greater than 0.9".
      sql`runs.id in (select series.run_id from metric_series series where series.tenant_id = ${tenant} and series.kind = 'scalar'
        and series.name = ${metric} and ${comparison} and ${statistic(column)} <> 'NaN')`,
  });

/** Runs without the metric come last. */
export const metricColumn = (metric: string, column: Statistic): SortColumn => ({
  ...decimalColumn(statistic(column)),
  id: sql`series.run_id`,
  join: ({ tenant }: Asking) =>
    sql`metric_series series on series.tenant_id = ${tenant} and series.run_id = runs.id and series.kind = 'scalar' and series.name = ${metric} and ${statistic(column)} <> 'NaN'`,
  without: ({ tenant }) =>
    sql`not exists (select from metric_series series where series.tenant_id = ${tenant} and series.run_id = runs.id and series.kind = 'scalar'
      and series.name = ${metric} and ${statistic(column)} <> 'NaN')`,
});

const ofParameter = (comparison: Condition, { tenant }: Asking, name: string): Condition =>
  sql`runs.id in (select given.run_id from run_parameters given where given.tenant_id = ${tenant} and given.name = ${name} and ${comparison})`;

const byNumber = orderedField<number>({
  name: 'param',
  family: true,
  takes: `a text, or ${TAKES}`,
  type: 'double precision',
  value: sql`given.number`,
  parse: (text) => {
    const number = readDecimal(text);
    return number === null ? null : { from: number };
  },
  inside: ofParameter,
});

/** As many characters as are indexed. */
const INDEXED = 250;

const isText = (text: string): Condition => {
  const characters = Array.from(text);
  const begins = sql<boolean>`left(given.value, ${sql.lit(INDEXED)}) = ${characters.slice(0, INDEXED).join('')}`;
  return characters.length < INDEXED ? begins : sql`(${begins} and given.value = ${text})`;
};

/** Runs by a parameter of theirs. `param.lr=0.01` also finds 1e-2: numbers are compared as numbers. */
export const parameterField: SearchField = {
  ...byNumber,
  one(operator, text, asking, name) {
    if (['<', '<=', '>', '>='].includes(operator)) return byNumber.one(operator, text, asking, name);
    const number = readDecimal(text);
    return ofParameter(number === null ? isText(text) : sql`(given.number = ${number}::double precision or ${isText(text)})`, asking, name);
  },
};

/** Parameters that are numbers in their order; runs without the parameter, or with a text, come last. */
export const parameterColumn = (name: string): SortColumn => ({
  ...decimalColumn(sql`given.number`),
  id: sql`given.run_id`,
  join: ({ tenant }) =>
    sql`run_parameters given on given.tenant_id = ${tenant} and given.run_id = runs.id and given.name = ${name} and given.number is not null`,
  without: ({ tenant }) =>
    sql`not exists (select from run_parameters given where given.tenant_id = ${tenant} and given.run_id = runs.id and given.name = ${name} and given.number is not null)`,
});
