import { SodateError } from '@sodate/contract/errors.ts';

/** What a part of a filter speaks of. */
export type Entity = 'attribute' | 'metric' | 'parameter' | 'tag' | 'dataset';

export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE' | 'ILIKE' | 'IN' | 'NOT IN' | 'IS NULL' | 'IS NOT NULL';

export interface Identifier {
  readonly entity: Entity;
  readonly key: string;
}

/** One condition; those of a filter must all hold. The value has the type that its entity and comparator ask for. */
export type Comparison = Identifier &
  (
    | { readonly comparator: '=' | '!=' | '<' | '<=' | '>' | '>='; readonly value: number; readonly type: 'number' }
    | { readonly comparator: '=' | '!=' | 'LIKE' | 'ILIKE'; readonly value: string; readonly type: 'text' }
    | { readonly comparator: 'IN' | 'NOT IN'; readonly value: readonly string[]; readonly type: 'list' }
    | { readonly comparator: 'IS NULL' | 'IS NOT NULL'; readonly type: 'presence' }
  );

export interface OrderTerm extends Identifier {
  readonly ascending: boolean;
}

/** What may be asked of one kind of thing. */
export interface Grammar {
  readonly entities: readonly Entity[];
  readonly textAttributes: readonly string[];
  readonly numberAttributes: readonly string[];
  /** Text attributes and parts of data sets that `IN` works with. */
  readonly listable: readonly string[];
  /** Other names of attributes. */
  readonly aliases: Readonly<Record<string, string>>;
}

export const RUN_GRAMMAR: Grammar = {
  entities: ['attribute', 'metric', 'parameter', 'tag', 'dataset'],
  textAttributes: ['run_id', 'run_name', 'user_id', 'status', 'artifact_uri'],
  numberAttributes: ['start_time', 'end_time'],
  listable: ['run_id', 'name', 'digest', 'context'],
  aliases: { created: 'start_time', Created: 'start_time', 'run name': 'run_name', 'Run name': 'run_name', 'Run Name': 'run_name' },
};

export const EXPERIMENT_GRAMMAR: Grammar = {
  entities: ['attribute', 'tag'],
  textAttributes: ['name', 'experiment_id'],
  numberAttributes: ['creation_time', 'last_update_time'],
  listable: ['experiment_id'],
  aliases: {},
};

const ENTITY_NAMES: Readonly<Record<string, Entity>> = {
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
  metric: 'metric',
  metrics: 'metric',
  parameter: 'parameter',
  parameters: 'parameter',
  param: 'parameter',
  params: 'parameter',
  tag: 'tag',
  tags: 'tag',
  dataset: 'dataset',
  datasets: 'dataset',
};
const DATASET_PARTS = ['name', 'digest', 'context'];
const QUOTES = ['"', "'", '`'];
/** A filter of this many conditions is nobody's; each is a part of one statement. */
const CONDITIONS_LIMIT = 100;
/** Each is looked up for every run that is found. */
const ORDER_TERMS_LIMIT = 20;

const refuse = (details: string): SodateError => new SodateError('invalid-request', { details });

/**
 * MLflow's filter: comparisons joined by AND, such as `metrics.loss < 0.3 and params.model = 'cnn'`.
 * @throws SodateError `invalid-request` that says where it goes wrong
 */
export function parseFilter(text: string, grammar: Grammar): readonly Comparison[] {
  const scanner = makeScanner(text);
  const found: Comparison[] = [];
  if (scanner.atEnd()) return found;
  for (;;) {
    found.push(readComparison(scanner, grammar));
    if (found.length > CONDITIONS_LIMIT) throw refuse(`a filter has at most ${CONDITIONS_LIMIT} conditions`);
    if (scanner.atEnd()) return found;
    if (scanner.take(/AND\b/iy) === null) throw refuse(`Invalid clause(s) in filter string: ${JSON.stringify(scanner.rest())}. Conditions are joined by AND`);
  }
}

/** @throws SodateError `invalid-request` */
export function parseOrder(terms: readonly string[], grammar: Grammar): readonly OrderTerm[] {
  if (terms.length > ORDER_TERMS_LIMIT) throw refuse(`an order has at most ${ORDER_TERMS_LIMIT} terms`);
  return terms.map((term) => parseOrderTerm(term, grammar));
}

/** An identifier, and perhaps `ASC` or `DESC`. */
function parseOrderTerm(text: string, grammar: Grammar): OrderTerm {
  const scanner = makeScanner(text);
  const identifier = readIdentifier(scanner, grammar);
  const direction = scanner.take(/(ASC|DESC)\b/iy);
  if (!scanner.atEnd()) throw refuse(`Invalid order_by clause '${text}'. Could not be parsed`);
  if (identifier.entity === 'dataset') throw refuse(`Invalid order_by clause '${text}'. Runs have no order by data set`);
  return { ...identifier, ascending: direction?.toUpperCase() !== 'DESC' };
}

function readComparison(scanner: Scanner, grammar: Grammar): Comparison {
  const identifier = readIdentifier(scanner, grammar);
  const comparator = scanner
    .take(/(?:>=|<=|!=|=|>|<|(?:I?LIKE|NOT\s+IN|IN|IS\s+NOT\s+NULL|IS\s+NULL)\b)/iy)
    ?.toUpperCase()
    .replaceAll(/\s+/g, ' ') as Comparator | undefined;
  if (comparator === undefined) throw refuse(`Invalid comparison clause: expected a comparator before ${JSON.stringify(scanner.rest())}`);
  const { entity, key } = identifier;
  const wrong = (): SodateError => refuse(`Invalid comparator '${comparator}' for ${entity} '${key}'`);
  if (comparator === 'IS NULL' || comparator === 'IS NOT NULL') {
    if (entity !== 'tag' && !(entity === 'parameter')) throw refuse(`IS NULL / IS NOT NULL is only supported for tags and params, not for ${entity} '${key}'`);
    return { ...identifier, comparator, type: 'presence' };
  }
  if (entity === 'metric' || (entity === 'attribute' && grammar.numberAttributes.includes(key))) {
    if (comparator === 'LIKE' || comparator === 'ILIKE' || comparator === 'IN' || comparator === 'NOT IN') throw wrong();
    const number = scanner.take(/-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?(?![\w.])/y);
    if (number === null) throw refuse(`Expected numeric value type for ${entity} '${key}'. Found ${JSON.stringify(scanner.rest())}`);
    return { ...identifier, comparator, value: Number(number), type: 'number' };
  }
  if (comparator === 'IN' || comparator === 'NOT IN') {
    if (!(entity === 'attribute' || entity === 'dataset') || !grammar.listable.includes(key)) throw wrong();
    return { ...identifier, comparator, value: readList(scanner), type: 'list' };
  }
  if (comparator !== '=' && comparator !== '!=' && comparator !== 'LIKE' && comparator !== 'ILIKE') throw wrong();
  const value = scanner.quoted(["'", '"']);
  if (value === null) throw refuse(`Expected a quoted string value for ${entity} '${key}' (e.g. 'my-value'). Got ${JSON.stringify(scanner.rest())}`);
  return { ...identifier, comparator, value, type: 'text' };
}

function readList(scanner: Scanner): readonly string[] {
  if (scanner.take(/\(/y) === null) throw refuse('Expected a list of quoted strings in parentheses');
  const values: string[] = [];
  do {
    const value = scanner.quoted(["'", '"']);
    if (value === null) throw refuse(`Expected a quoted string in the list, got ${JSON.stringify(scanner.rest())}`);
    values.push(value);
  } while (scanner.take(/,/y) !== null);
  if (scanner.take(/\)/y) === null) throw refuse('The list of quoted strings does not end with a parenthesis');
  return values;
}

function readIdentifier(scanner: Scanner, grammar: Grammar): Identifier {
  // `metrics.loss`, `tags.mlflow.source.name`, `params."learning rate"`, `Run name` in backticks.
  const first = scanner.quoted(QUOTES) ?? scanner.take(/[\w]+/y);
  if (first === null) throw refuse(`Invalid comparison clause: expected an identifier before ${JSON.stringify(scanner.rest())}`);
  const hasEntity = scanner.takeHere(/\./y) !== null;
  const key = hasEntity ? (scanner.quotedHere(QUOTES) ?? scanner.takeHere(/[^\s=!<>'"`(),]+/y)) : first;
  if (key === null) throw refuse(`Invalid identifier '${first}.'. Write for example metrics.loss or tags.\`a name\``);
  const entity = hasEntity ? ENTITY_NAMES[first] : 'attribute';
  if (entity === undefined || !grammar.entities.includes(entity))
    throw refuse(`Invalid entity type '${first}'. Valid values are ${grammar.entities.join(', ')}`);
  const name = entity === 'attribute' ? (grammar.aliases[key] ?? key) : key;
  const known = entity === 'attribute' ? [...grammar.textAttributes, ...grammar.numberAttributes] : entity === 'dataset' ? DATASET_PARTS : null;
  if (known !== null && !known.includes(name)) throw refuse(`Invalid ${entity} key '${key}' specified. Valid keys are ${known.join(', ')}`);
  return { entity, key: name };
}

interface Scanner {
  atEnd(): boolean;
  /** What is left, shortened, for messages. */
  rest(): string;
  /** What the sticky pattern matches here, after blanks; null where it does not, and then nothing is taken. */
  take(pattern: RegExp): string | null;
  /** Without leaving out blanks. */
  takeHere(pattern: RegExp): string | null;
  /** The text between quotes of one of these kinds; a doubled quote stands for one. */
  quoted(kinds: readonly string[]): string | null;
  quotedHere(kinds: readonly string[]): string | null;
}

function makeScanner(text: string): Scanner {
  const at = { position: 0 };
  const skipBlanks = (): void => {
    while (/\s/.test(text.charAt(at.position))) at.position += 1;
  };
  const takeHere = (pattern: RegExp): string | null => {
    pattern.lastIndex = at.position;
    const match = pattern.exec(text);
    if (match === null) return null;
    at.position += match[0].length;
    return match[0];
  };
  const quotedHere = (kinds: readonly string[]): string | null => {
    const quote = text.charAt(at.position);
    if (quote === '' || !kinds.includes(quote)) return null;
    let value = '';
    for (let position = at.position + 1; position < text.length; position += 1) {
      const character = text.charAt(position);
      if (character !== quote) value += character;
      else if (text.charAt(position + 1) === quote) {
        value += quote;
        position += 1;
      } else {
        at.position = position + 1;
        return value;
      }
    }
    throw refuse(`The quote that begins at character ${at.position + 1} has no end`);
  };
  return {
    atEnd: () => (skipBlanks(), at.position >= text.length),
    rest: () => text.slice(at.position, at.position + 60),
    take: (pattern) => (skipBlanks(), takeHere(pattern)),
    takeHere,
    quoted: (kinds) => (skipBlanks(), quotedHere(kinds)),
    quotedHere,
  };
}
