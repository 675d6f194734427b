/**
 * What can be wrong with a search, as sentences. An error carries the code and the parts beside the sentence, so that a
 * client can say the same in another language; codes are stable, texts may improve.
 */
export const SEARCH_PROBLEMS = {
  'unclosed-quote': 'this quotation mark is not closed; write \\" for one that is part of the text.',
  'value-missing': 'a value is missing here.',
  'range-without-end': 'a range needs at least one end, such as 10..20, 10.. or ..20.',
  'too-many-values': 'at most {limit} values.',
  'name-missing': 'a name is missing behind {field}.',
  'double-negation': 'one negation is enough.',
  brackets: 'brackets have no meaning here; put quotation marks around a text that contains them.',
  'condition-missing': 'a condition is missing here.',
  or: 'all conditions must hold, there is no “or” between them. Several values of one field: state:failed,cancelled. A text: "or".',
  'too-many-conditions': 'at most {limit} conditions.',
  'space-missing': 'a space is missing here.',
  'text-too-short': 'a text needs at least {limit} letters or digits. Conditions look like this: tag:new.',
  'unknown-field': 'there is no field {field} here. Known: {known}. A text that contains {operator} needs quotation marks.',
  'operator-not-taken': '{field} can be compared by {operators} only.',
  'one-value': '{operator} takes one value.',
  'range-needs-colon': 'a range goes with a colon: {field}:from..to',
  'no-ranges': '{field} takes {takes}; it has no ranges.',
  'wrong-value': '{field} takes {takes}.',
} as const;

export type SearchProblem = keyof typeof SEARCH_PROBLEMS;

/** What stands in the sentences. */
export type ProblemParts = Readonly<Partial<Record<'field' | 'known' | 'operator' | 'operators' | 'takes', string>> & { limit?: number }>;

export const problemText = (why: SearchProblem, parts: ProblemParts): string =>
  SEARCH_PROBLEMS[why].replaceAll(/\{(\w+)\}/g, (whole, name: keyof ProblemParts) => String(parts[name] ?? whole));
