import type { WrittenTerm, WrittenValue } from '#search/parse-search.ts';

/** The search as text, in one form whatever way it was written; parsing it gives the same conditions again. */
export const printSearch = (terms: readonly WrittenTerm[]): string => terms.map(printTerm).join(' ');

function printTerm(term: WrittenTerm): string {
  const minus = term.negated ? '-' : '';
  if (term.kind === 'text') return `${minus}${printText(term.text)}`;
  const member = term.member === null ? '' : `.${/^[^\s"(),:=!<>]+$/.test(term.member) ? term.member : quote(term.member)}`;
  return `${minus}${term.field}${member}${term.operator}${term.values.map(printValue).join(',')}`;
}

const quote = (text: string): string => `"${text.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;

/** Bare only where nothing in it could be read as something else. */
const printText = (text: string): string => (/^[\p{L}\p{N}][\p{L}\p{N}_./-]*$/u.test(text) && !/^(and|or|not)$/i.test(text) ? text : quote(text));

function printValue(value: WrittenValue): string {
  if (value.kind === 'range') return `${value.from ?? ''}..${value.to ?? ''}`;
  // An operator would swallow a `=` or a space at the beginning, and two points would make a range.
  return /^[^\s"(),=<>:!][^\s"(),]*$/.test(value.text) && !value.text.includes('..') ? value.text : quote(value.text);
}
