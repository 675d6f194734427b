import { notUnderstood } from '#search/search-errors.ts';
import type { ProblemParts, SearchProblem } from '#search/search-problems.ts';

export const OPERATORS = [':', '=', '!=', '<', '<=', '>', '>='] as const;
export type Operator = (typeof OPERATORS)[number];

/** A value as written. `at` is where it begins, for errors. */
export type WrittenValue =
  | { readonly kind: 'one'; readonly text: string; readonly at: number }
  /** `from..to`; null = without an end on that side. */
  | { readonly kind: 'range'; readonly from: string | null; readonly to: string | null; readonly at: number };

export interface WrittenText {
  readonly kind: 'text';
  readonly negated: boolean;
  readonly text: string;
  readonly at: number;
}

export interface WrittenComparison {
  readonly kind: 'comparison';
  readonly negated: boolean;
  readonly field: string;
  /** Of a family such as `metric.loss`: the name behind the point. */
  readonly member: string | null;
  readonly operator: Operator;
  /** Any of them is enough; at least one. */
  readonly values: readonly WrittenValue[];
  readonly at: number;
}

/** One condition of a search. All of them must hold. */
export type WrittenTerm = WrittenText | WrittenComparison;

/** More conditions than this are a program's mistake. */
export const TERMS_LIMIT = 30;
export const VALUES_LIMIT = 100;

const FIELD = /[A-Za-z_][A-Za-z0-9_]*/y;
/** Behind the point of `metric.train/loss`; other names are quoted. */
const MEMBER = /[^\s"(),:=!<>]+/y;
const OPERATOR = /\s*(!=|<=|>=|:|=|<|>)\s*/y;
/** Nothing that could belong to the operator before it. */
const BARE_VALUE = /[^\s"(),:=!<>][^\s"(),]*/y;
const BARE_TEXT = /[^\s"()]+/y;
const COMMA = /\s*,\s*/y;
const SPACE = /\s+/y;

/**
 * Reads the grammar; what the fields mean is not known here.
 *
 *     search     = { condition }                                      all must hold; a word `and` between them is skipped
 *     condition  = [ "-" | "not" ] ( field operator values | text )
 *     field      = word [ "." ( name | quoted ) ]
 *     operator   = ":" | "=" | "!=" | "<" | "<=" | ">" | ">="
 *     values     = value { "," value }                                any is enough
 *     value      = word | quoted | [ word ] ".." [ word ]
 *     text       = word | quoted | "#" number
 *
 * @throws SodateError `search-not-understood` with the place
 */
export function parseSearch(search: string): readonly WrittenTerm[] {
  const terms: WrittenTerm[] = [];
  const place = { at: 0 };

  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = place.at;
    const found = pattern.exec(search);
    if (found !== null) place.at = pattern.lastIndex;
    return found;
  };
  const refuse = (why: SearchProblem, at = place.at, parts: ProblemParts = {}): Error => notUnderstood(search, at, why, parts);

  const quoted = (): string => {
    const begin = place.at;
    let text = '';
    for (place.at += 1; place.at < search.length; place.at += 1) {
      const character = search[place.at];
      if (character === '"') {
        place.at += 1;
        return text;
      }
      if (character === '\\') place.at += 1;
      text += search[place.at] ?? '';
    }
    throw refuse('unclosed-quote', begin);
  };

  const value = (): WrittenValue => {
    const at = place.at;
    if (search[at] === '"') return { kind: 'one', text: quoted(), at };
    const bare = take(BARE_VALUE)?.[0];
    if (bare === undefined) throw refuse('value-missing');
    const dots = bare.indexOf('..');
    if (dots < 0) return { kind: 'one', text: bare, at };
    const [from, to] = [bare.slice(0, dots), bare.slice(dots + 2)];
    if (from === '' && to === '') throw refuse('range-without-end', at);
    return { kind: 'range', from: from === '' ? null : from, to: to === '' ? null : to, at };
  };

  const values = (): WrittenValue[] => {
    const all = [value()];
    for (;;) {
      if (take(COMMA) === null) return all;
      if (all.length === VALUES_LIMIT) throw refuse('too-many-values', place.at, { limit: VALUES_LIMIT });
      all.push(value());
    }
  };

  /** `null` when what stands here is no comparison, but a text. */
  const comparison = (negated: boolean): WrittenComparison | null => {
    const at = place.at;
    const field = take(FIELD)?.[0];
    if (field === undefined) return null;
    let member: string | null = null;
    if (search[place.at] === '.') {
      place.at += 1;
      member = search[place.at] === '"' ? quoted() : (take(MEMBER)?.[0] ?? '');
    }
    const written = take(OPERATOR)?.[1];
    const operator = OPERATORS.find((one) => one === written);
    if (operator === undefined) {
      place.at = at;
      return null;
    }
    if (member === '') throw refuse('name-missing', at, { field });
    return { kind: 'comparison', negated, field: field.toLowerCase(), member, operator, values: values(), at };
  };

  const condition = (): WrittenTerm => {
    let negated = false;
    for (;;) {
      if (search[place.at] === '-') place.at += 1;
      else if (take(/not\s+/iy) === null) break;
      if (negated) throw refuse('double-negation');
      negated = true;
    }
    const at = place.at;
    const compared = comparison(negated);
    if (compared !== null) return compared;
    if (search[at] === '"') return { kind: 'text', negated, text: quoted(), at };
    const bare = take(BARE_TEXT)?.[0];
    if (bare === undefined) {
      throw refuse(search[at] === '(' || search[at] === ')' ? 'brackets' : 'condition-missing');
    }
    if (/^or$/i.test(bare)) throw refuse('or', at);
    const number = /^#([0-9]+)$/.exec(bare)?.[1];
    if (number !== undefined)
      return { kind: 'comparison', negated, field: 'number', member: null, operator: ':', values: [{ kind: 'one', text: number, at }], at };
    return { kind: 'text', negated, text: bare, at };
  };

  for (;;) {
    take(SPACE);
    if (terms.length > 0) take(/and\s+(?=\S)/iy);
    if (place.at >= search.length) return terms;
    if (terms.length === TERMS_LIMIT) throw refuse('too-many-conditions', place.at, { limit: TERMS_LIMIT });
    terms.push(condition());
    if (/^\S/.test(search.slice(place.at, place.at + 1))) throw refuse('space-missing');
  }
}
