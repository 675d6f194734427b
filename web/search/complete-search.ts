import { type FieldName, OPERATOR_WORDS, operatorsOf, type SearchField } from './search-fields.ts';
import { quoteMember, quoteValue } from './write-search.ts';

export interface Suggestion {
  readonly kind: 'field' | 'member' | 'operator' | 'value';
  /** Explains it; null where it speaks for itself. */
  readonly words: `fields.${FieldName}` | `operators.${(typeof OPERATOR_WORDS)[keyof typeof OPERATOR_WORDS]}` | null;
  /** As listed. */
  readonly label: string;
  /** Takes the place of the characters from `from` to the caret. */
  readonly insert: string;
  readonly from: number;
}

/** Values of this tenant that can be offered. */
export interface KnownValues {
  readonly tags: readonly string[];
  readonly people: readonly string[];
  /** Names of metrics, for `metric.`, `lowest.` and `highest.`. */
  readonly metrics: readonly string[];
  readonly parameters: readonly string[];
}

const MOST = 30;
const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
const MEMBER = String.raw`(?:\.(?:${QUOTED}|[^\s"(),:=!<>]+))?`;
/** A condition whose value is being written: field, operator, values before it, what there is of it. */
const AT_VALUE = new RegExp(
  String.raw`(?:^|\s)-?([A-Za-z_]\w*)(${MEMBER})\s*(!=|<=|>=|:|=|<|>)\s*((?:(?:${QUOTED}|[^\s"(),]+)\s*,\s*)*)("(?:[^"\\]|\\.)*|[^\s"(),]*)$`,
);
/** A word that may become a field, or is one. */
const AT_WORD = new RegExp(String.raw`(?:^|\s)-?((?:[A-Za-z_]\w*)?)(\.(?:${QUOTED}|"(?:[^"\\]|\\.)*|[^\s"(),:=!<>]*))?$`);

const EXAMPLES: Readonly<Partial<Record<SearchField['type'], readonly string[]>>> = {
  date: ['now-1d', 'now-7d', 'now-30d'],
  size: ['1MB', '100MB', '1GiB'],
  duration: ['10m', '1h', '1d'],
};

/** What can stand where the caret is: fields, their operators, their values. Reads what is before the caret only. */
export function completeSearch(text: string, caret: number, fields: readonly SearchField[], known: KnownValues): readonly Suggestion[] {
  const head = text.slice(0, caret);
  const value = AT_VALUE.exec(head);
  if (value !== null && !isInsideQuotes(head.slice(0, value.index))) {
    const field = fields.find(({ name }) => name === value[1]?.toLowerCase());
    return field === undefined ? [] : suggestValues(field, value[5] ?? '', caret, known);
  }
  const word = AT_WORD.exec(head);
  if (word === null || isInsideQuotes(head.slice(0, word.index))) return [];
  const [, name = '', member] = word;
  const from = caret - name.length - (member ?? '').length;
  const exact = fields.find((field) => field.name === name.toLowerCase());
  if (member !== undefined) return exact?.family === true ? suggestMembers(exact, member.slice(1), caret, known) : [];
  const operators = exact === undefined || exact.family === true ? [] : suggestOperators(exact, caret);
  const others = startingFirst(fields, name, (field) => field.name).filter((field) => field !== exact || field.family === true);
  return [
    ...operators,
    ...others.map((field): Suggestion => {
      const label = field.family === true ? `${field.name}.` : field.name;
      return { kind: 'field', words: `fields.${field.name}`, label, insert: label, from };
    }),
  ].slice(0, MOST);
}

/** The name that is being written behind `metric.`, `param.` and the like; null where the caret is at something else. */
export function nameAt(text: string, caret: number, fields: readonly SearchField[]): { readonly kind: 'metric' | 'parameter'; readonly text: string } | null {
  const head = text.slice(0, caret);
  const word = AT_WORD.exec(head);
  if (word === null || word[2] === undefined || isInsideQuotes(head.slice(0, word.index))) return null;
  const field = fields.find(({ name, family }) => family === true && name === word[1]?.toLowerCase());
  if (field === undefined) return null;
  return { kind: field.name === 'param' ? 'parameter' : 'metric', text: word[2].slice(1).replaceAll(/^"|"$/g, '') };
}

/**
 * Whether a search can be sent while it is being typed: plain words can, as in any search field. A condition waits until
 * it is said to be complete, since half a condition is an error.
 */
export function isPlainText(text: string, fields: readonly SearchField[]): boolean {
  const begun = (word: string): boolean => fields.some(({ name, family }) => family === true && word.toLowerCase().startsWith(`${name}.`));
  const words = text.trim().split(/\s+/);
  return /^[^\s"():=!<>.#-][^"():=!<>]{2,}$/.test(text.trim()) && words.every((word) => isLongWord(word) && !begun(word));
}

/** The server searches for words of three letters or digits at least. */
const isLongWord = (word: string): boolean => word.length >= 3 && !/^(?:and|not)$/i.test(word);

const suggestOperators = (field: SearchField, caret: number): readonly Suggestion[] =>
  operatorsOf(field).map((operator): Suggestion => ({
    kind: 'operator',
    words: `operators.${OPERATOR_WORDS[operator]}`,
    label: operator,
    insert: operator,
    from: caret,
  }));

/** Behind the point of a family: names that are known, and operators once there is a name. Any other name may be typed. */
function suggestMembers(field: SearchField, written: string, caret: number, known: KnownValues): readonly Suggestion[] {
  const names = field.name === 'param' ? known.parameters : known.metrics;
  const unfinished = written === '' || (written.startsWith('"') && !/^"(?:[^"\\]|\\.)*"$/.test(written));
  const operators = unfinished ? [] : suggestOperators(field, caret);
  const part = written.replaceAll(/^"|"$/g, '');
  const others = startingFirst(names, part, (name) => name)
    .filter((name) => quoteMember(name) !== written)
    .slice(0, MOST)
    .map((name): Suggestion => ({ kind: 'member', words: null, label: name, insert: quoteMember(name), from: caret - written.length }));
  // What is a whole name goes on with an operator; of half a name the other half comes first.
  return names.some((name) => quoteMember(name) === written) ? [...operators, ...others] : [...others, ...operators];
}

function suggestValues(field: SearchField, written: string, caret: number, known: KnownValues): readonly Suggestion[] {
  const values = field.type === 'tag' ? known.tags : field.type === 'person' ? known.people : (field.values ?? EXAMPLES[field.type] ?? []);
  const part = written.replace(/^"/, '');
  return startingFirst(values, part, (value) => value)
    .filter((value) => quoteValue(value) !== written)
    .slice(0, MOST)
    .map((value): Suggestion => ({ kind: 'value', words: null, label: value, insert: `${quoteValue(value)} `, from: caret - written.length }));
}

/** Those that begin with a text before those that contain it. */
function startingFirst<Item>(items: readonly Item[], part: string, textOf: (item: Item) => string): readonly Item[] {
  const wanted = part.toLowerCase();
  const starts = items.filter((item) => textOf(item).toLowerCase().startsWith(wanted));
  return [...starts, ...items.filter((item) => !starts.includes(item) && textOf(item).toLowerCase().includes(wanted))];
}

function isInsideQuotes(text: string): boolean {
  let inside = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') inside = !inside;
    else if (inside && text[at] === '\\') at += 1;
  }
  return inside;
}
