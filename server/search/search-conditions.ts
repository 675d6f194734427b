import { type WrittenComparison, type WrittenTerm, parseSearch } from '#search/parse-search.ts';
import { notUnderstood } from '#search/search-errors.ts';
import type { ProblemParts, SearchProblem } from '#search/search-problems.ts';
import { type Asking, type Condition, isLongEnough, type SearchField, TEXT_LENGTH } from '#search/search-fields.ts';
import { containing } from '#kit/db/page.ts';
import { type RawBuilder, sql } from 'kysely';

/** What a list can be searched by. */
export interface Searchable {
  readonly fields: readonly SearchField[];
  /** What a text without a field is looked for in; the very expression of the trigram index. */
  readonly text: RawBuilder<string>;
}

/**
 * The search as conditions on the list's table, all of which must hold.
 * @throws SodateError `search-not-understood`
 */
export function searchConditions(searchable: Searchable, search: string, asking: Asking): readonly Condition[] {
  return parseSearch(search).map((term) => negate(toCondition(searchable, search, term, asking), isNegated(term)));
}

const isNegated = (term: WrittenTerm): boolean => term.negated !== (term.kind === 'comparison' && term.operator === '!=');

/** What has no value at all does not have this one either: `-failure:platform` finds the runs that did not fail. */
const negate = (condition: Condition, negated: boolean): Condition => (negated ? sql`(${condition}) is not true` : condition);

function toCondition(searchable: Searchable, search: string, term: WrittenTerm, asking: Asking): Condition {
  if (term.kind === 'comparison') return toComparison(searchable, search, term, asking);
  if (!isLongEnough(term.text)) throw notUnderstood(search, term.at, 'text-too-short', { limit: TEXT_LENGTH });
  return sql`${searchable.text} ilike ${containing(term.text)}`;
}

function toComparison({ fields }: Searchable, search: string, term: WrittenComparison, asking: Asking): Condition {
  const refuse = (why: SearchProblem, parts: ProblemParts, at = term.at): Error => notUnderstood(search, at, why, parts);
  const field = fields.find(({ name, family }) => name === term.field && family === (term.member !== null));
  if (field === undefined) {
    const written = term.member === null ? term.field : `${term.field}.${term.member}`;
    const known = fields.map(({ name, family }) => (family ? `${name}.NAME` : name)).join(', ');
    throw refuse('unknown-field', { field: written, known, operator: term.operator });
  }
  if (!field.operators.includes(term.operator)) throw refuse('operator-not-taken', { field: field.name, operators: field.operators.join(' ') });
  if (term.values.length > 1 && !['=', ':', '!='].includes(term.operator)) throw refuse('one-value', { operator: term.operator });
  const conditions = term.values.map((value) => {
    if (value.kind === 'range' && (!field.ranges || !['=', ':', '!='].includes(term.operator)))
      throw refuse(field.ranges ? 'range-needs-colon' : 'no-ranges', { field: field.name, takes: field.takes }, value.at);
    const condition =
      value.kind === 'range' ? field.range(value.from, value.to, asking, term.member ?? '') : field.one(term.operator, value.text, asking, term.member ?? '');
    if (condition === null) throw refuse('wrong-value', { field: field.name, takes: field.takes }, value.at);
    return condition;
  });
  return conditions.length === 1 && conditions[0] ? conditions[0] : sql`(${sql.join(conditions, sql` or `)})`;
}
