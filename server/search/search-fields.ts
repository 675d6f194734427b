import type { Operator } from '#search/parse-search.ts';
import { containing } from '#kit/db/page.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

export type Condition = RawBuilder<boolean>;

/** Who asks, and when: what conditions may depend on. */
export interface Asking {
  readonly tenant: TenantId;
  readonly now: Date;
}

/** What a value of a field means. Without `until` it is one value; else all from `from` up to and without `until`. */
export interface Meaning<Value> {
  readonly from: Value;
  readonly until?: Value;
}

/**
 * A field that can be searched. `parse` answers null for a text that is none of its values; the error then says `takes`.
 * Conditions are SQL with parameters: no character of a search ever becomes part of a statement.
 */
export interface SearchField {
  readonly name: string;
  /** Of a family: `metric.loss` instead of `metric`. */
  readonly family: boolean;
  /** What its values are, for errors: `a number such as 12`. */
  readonly takes: string;
  readonly operators: readonly Operator[];
  readonly ranges: boolean;
  /** `member` is the name behind the point, and empty where there is none. Answers null for what is no value of this field. */
  readonly one: (operator: Operator, text: string, asking: Asking, member: string) => Condition | null;
  readonly range: (from: string | null, to: string | null, asking: Asking, member: string) => Condition | null;
}

const EQUALITY: readonly Operator[] = [':', '=', '!='];
const ORDER: readonly Operator[] = [':', '=', '!=', '<', '<=', '>', '>='];

/** A field whose values are only compared for equality. */
export function equalField(name: string, takes: string, one: (text: string, asking: Asking) => Condition | null): SearchField {
  return { name, family: false, takes, operators: EQUALITY, ranges: false, one: (_operator, text, asking) => one(text, asking), range: () => null };
}

/** Said with each value: of an integer column's own type a large number would not be one that is too large, but an error. */
const TYPES = {
  bigint: (value: unknown) => sql`${value}::bigint`,
  'double precision': (value: unknown) => sql`${value}::double precision`,
  timestamptz: (value: unknown) => sql`${value}::timestamptz`,
  interval: (value: unknown) => sql`${value}::interval`,
};

/** A field whose values have an order. `inside` puts a comparison of the value into the whole condition. */
export function orderedField<Value>(spec: {
  readonly name: string;
  readonly family?: boolean;
  readonly takes: string;
  readonly value: RawBuilder<unknown>;
  readonly type: keyof typeof TYPES;
  readonly parse: (text: string, asking: Asking) => Meaning<Value> | null;
  readonly inside?: (comparison: Condition, asking: Asking, member: string) => Condition;
}): SearchField {
  const { parse } = spec;
  const compareWith = (operator: Operator, meaning: Meaning<Value>): Condition => compare(spec.value, TYPES[spec.type], operator, meaning);
  const inside = spec.inside ?? ((comparison) => comparison);
  return {
    name: spec.name,
    family: spec.family ?? false,
    takes: spec.takes,
    operators: ORDER,
    ranges: true,
    one(operator, text, asking, member) {
      const meaning = parse(text, asking);
      return meaning === null ? null : inside(compareWith(operator, meaning), asking, member);
    },
    range(from, to, asking, member) {
      const [low, high] = [from === null ? undefined : parse(from, asking), to === null ? undefined : parse(to, asking)];
      if (low === null || high === null) return null;
      const parts = [...(low === undefined ? [] : [compareWith('>=', low)]), ...(high === undefined ? [] : [compareWith('<=', high)])];
      return inside(sql<boolean>`(${sql.join(parts, sql` and `)})`, asking, member);
    },
  };
}

function compare<Value>(value: RawBuilder<unknown>, typed: (value: Value) => RawBuilder<unknown>, operator: Operator, meaning: Meaning<Value>): Condition {
  const from = typed(meaning.from);
  const until = meaning.until === undefined ? undefined : typed(meaning.until);
  switch (operator) {
    case '<':
      return sql`${value} < ${from}`;
    case '<=':
      return until === undefined ? sql`${value} <= ${from}` : sql`${value} < ${until}`;
    case '>':
      return until === undefined ? sql`${value} > ${from}` : sql`${value} >= ${until}`;
    case '>=':
      return sql`${value} >= ${from}`;
    case ':':
    case '=':
    case '!=':
      return until === undefined ? sql`${value} = ${from}` : sql`(${value} >= ${from} and ${value} < ${until})`;
  }
}

/** `name:part` is a part of it, whatever the case; `name=whole` the whole, letter by letter. */
export function textField(name: string, value: RawBuilder<string | null>, indexed?: RawBuilder<string>): SearchField {
  return {
    name,
    family: false,
    takes: `a text: ${name}:part with at least three letters or digits, or ${name}="the whole"`,
    operators: EQUALITY,
    ranges: false,
    one(operator, text) {
      if (operator !== ':') return sql`${value} = ${text}`;
      if (!isLongEnough(text)) return null;
      // The indexed text is that of several columns: it finds the candidates.
      return indexed === undefined
        ? sql`${value} ilike ${containing(text)}`
        : sql`(${indexed} ilike ${containing(text)} and ${value} ilike ${containing(text)})`;
    },
    range: () => null,
  };
}

/** Shorter ones are in almost everything, and the index of trigrams knows nothing of them. */
export const TEXT_LENGTH = 3;
export const isLongEnough = (text: string): boolean => (text.match(/[\p{L}\p{N}]/gu) ?? []).length >= TEXT_LENGTH;

export const choiceField = (name: string, value: RawBuilder<unknown>, choices: readonly string[]): SearchField =>
  equalField(name, `one of ${choices.join(', ')}`, (text) => (choices.includes(text.toLowerCase()) ? sql`${value} = ${text.toLowerCase()}` : null));

export const yesOrNoField = (name: string, value: RawBuilder<boolean>): SearchField =>
  equalField(name, 'yes or no', (text) => (/^(yes|true)$/i.test(text) ? sql`${value}` : /^(no|false)$/i.test(text) ? sql`not ${value}` : null));

/** Postgres' own arithmetic ends here, and so does what JSON can say. */
const WHOLE_NUMBER = /^[0-9]{1,15}$/;
const DECIMAL = /^[-+]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})(e[-+]?[0-9]{1,3})?$/i;

export const wholeNumberField = (name: string, value: RawBuilder<unknown>): SearchField =>
  orderedField<number>({
    name,
    takes: 'a whole number such as 12, or a range such as 10..20',
    value,
    type: 'bigint',
    parse: (text) => (WHOLE_NUMBER.test(text.replace(/^#/, '')) ? { from: Number(text.replace(/^#/, '')) } : null),
  });

export function readDecimal(text: string): number | null {
  if (!DECIMAL.test(text)) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

export const decimalField = (name: string, value: RawBuilder<unknown>): SearchField =>
  orderedField<number>({
    name,
    takes: 'a number such as 0.5, or a range such as 0.1..1',
    value,
    type: 'double precision',
    parse: (text) => {
      const number = readDecimal(text);
      return number === null ? null : { from: number };
    },
  });

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40 };

export const bytesField = (name: string, value: RawBuilder<unknown>): SearchField =>
  orderedField<number>({
    name,
    takes: 'a size such as 500, 20MB or 1.5GiB, or a range of sizes',
    value,
    type: 'bigint',
    parse: (text) => {
      const found = /^([0-9]{1,15}(?:\.[0-9]{1,6})?)([kmgt]i?)?b?$/i.exec(text);
      const unit = UNITS[(found?.[2] ?? '').toLowerCase()];
      const bytes = Math.round(Number(found?.[1]) * (unit ?? 1));
      return found === null || !Number.isSafeInteger(bytes) ? null : { from: bytes };
    },
  });

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 7 * 86_400 };

export const durationField = (name: string, value: RawBuilder<unknown>): SearchField =>
  orderedField<string>({
    name,
    takes: 'a time such as 30s, 5m, 2h or 1d, or a range of times',
    value,
    type: 'interval',
    parse: (text) => {
      const found = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhdw])$/i.exec(text);
      const unit = SECONDS[(found?.[2] ?? '').toLowerCase()];
      return found === null || unit === undefined ? null : { from: `${Number(found[1]) * unit} seconds` };
    },
  });

const DATE = /^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?$/;

export const instantField = (name: string, value: RawBuilder<unknown>): SearchField =>
  orderedField<Date>({
    name,
    takes: 'a year, month, day or instant in UTC such as 2026, 2026-01, 2026-01-31 or 2026-01-31T12:00:00Z, or a time ago such as now-7d, or a range of them',
    value,
    type: 'timestamptz',
    parse: readInstant,
  });

/** A date means all of it: `created:2026-01` is the whole of January. */
function readInstant(text: string, { now }: Asking): Meaning<Date> | null {
  const ago = /^now(?:-([0-9]{1,4})([smhdw]))?$/i.exec(text);
  if (ago !== null) return { from: new Date(now.getTime() - Number(ago[1] ?? 0) * (SECONDS[(ago[2] ?? 's').toLowerCase()] ?? 0) * 1000) };
  const date = DATE.exec(text);
  if (date === null) {
    const instant = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?(Z|[-+][0-9]{2}:[0-9]{2})$/i.test(text) ? new Date(text) : null;
    return instant === null || Number.isNaN(instant.getTime()) ? null : { from: instant };
  }
  const [year, month, day] = [Number(date[1]), date[2] === undefined ? null : Number(date[2]) - 1, date[3] === undefined ? null : Number(date[3])];
  const from = new Date(Date.UTC(year, month ?? 0, day ?? 1));
  // Years below 100 would be of the last century, and a 31st of February of March: neither is what stands there.
  if (from.toISOString().slice(0, text.length) !== text) return null;
  const until = month === null ? Date.UTC(year + 1, 0) : day === null ? Date.UTC(year, month + 1) : Date.UTC(year, month, day + 1);
  return { from, until: new Date(until) };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A person by name or id. Looked up when the search is planned. Nobody's name finds nothing. */
export const isPerson = (value: RawBuilder<unknown>, reference: string): Condition =>
  UUID.test(reference) ? sql`${value} = ${reference}::uuid` : sql`${value} = user_called(${reference.toLowerCase()}::text)`;

export const personField = (name: string, value: RawBuilder<unknown>): SearchField =>
  equalField(name, "a user's name or id", (text) => (text === '' ? null : isPerson(value, text)));

/** Another thing of the tenant, by number or id. `inside` gets its id as SQL, null for what is not there. */
export const thingField = (name: string, table: 'data' | 'datasets', inside: (id: RawBuilder<unknown>, asking: Asking) => Condition): SearchField =>
  equalField(name, 'a number such as 12, or an id', (text, asking) => {
    const number = /^#?([0-9]{1,15})$/.exec(text)?.[1];
    if (number === undefined && !UUID.test(text)) return null;
    const named = number === undefined ? sql`id = ${text}::uuid` : sql`number = ${Number(number)}`;
    return inside(sql`(select id from ${sql.table(table)} where tenant_id = ${asking.tenant} and ${named})`, asking);
  });

/** A run by kind and number or id. */
export const runField = (name: string, inside: (id: RawBuilder<unknown>, asking: Asking) => Condition): SearchField =>
  equalField(name, 'a run such as training-12, or an id', (text, asking) => {
    const run = /^([a-z]{1,40})-([0-9]{1,15})$/.exec(text);
    if (run === null && !UUID.test(text)) return null;
    const named = run === null ? sql`id = ${text}::uuid` : sql`kind = ${run[1]} and number = ${Number(run[2])}`;
    return inside(sql`(select id from runs where tenant_id = ${asking.tenant} and ${named})`, asking);
  });

/** A tag as a whole. */
export const tagField = (value: RawBuilder<unknown>): SearchField =>
  equalField('tag', 'a tag as a whole', (text) => (text === '' ? null : sql`${value} @> ${[text]}::text[]`));
