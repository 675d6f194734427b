import { FailureClass } from '@sodate/contract/failures.ts';
import { RUN_KINDS, RUN_STATES } from '@sodate/contract/runs.ts';
import type { SearchedThing } from '@sodate/contract/search.ts';
import type texts from '../kit/i18n/en.json';

/* What lists are searched by, for completion. The server decides what it understands; a test compares the two. */

export type FieldType = 'text' | 'number' | 'size' | 'duration' | 'date' | 'choice' | 'tag' | 'person' | 'reference';

/** Each is explained in both languages. */
export type FieldName = keyof (typeof texts)['search']['fields'];

export interface SearchField {
  readonly name: FieldName;
  readonly type: FieldType;
  /** Of a family the name goes on: `metric.loss`. */
  readonly family?: true;
  /** All values that there are, where they can be listed. */
  readonly values?: readonly string[];
}

const YES_OR_NO = ['yes', 'no'];

export const SEARCH_FIELDS: Readonly<Record<SearchedThing, readonly SearchField[]>> = {
  data: [
    { name: 'tag', type: 'tag' },
    { name: 'created', type: 'date' },
    { name: 'creator', type: 'person' },
    { name: 'name', type: 'text' },
    { name: 'memo', type: 'text' },
    { name: 'number', type: 'number' },
    { name: 'files', type: 'number' },
    { name: 'size', type: 'size' },
    { name: 'parent', type: 'reference' },
    { name: 'dataset', type: 'reference' },
  ],
  dataset: [
    { name: 'created', type: 'date' },
    { name: 'creator', type: 'person' },
    { name: 'locked', type: 'choice', values: YES_OR_NO },
    { name: 'flat', type: 'choice', values: YES_OR_NO },
    { name: 'entries', type: 'number' },
    { name: 'name', type: 'text' },
    { name: 'memo', type: 'text' },
    { name: 'number', type: 'number' },
    { name: 'data', type: 'reference' },
    { name: 'run', type: 'reference' },
  ],
  run: [
    { name: 'state', type: 'choice', values: RUN_STATES },
    { name: 'kind', type: 'choice', values: RUN_KINDS },
    { name: 'tag', type: 'tag' },
    { name: 'creator', type: 'person' },
    { name: 'metric', type: 'number', family: true },
    { name: 'lowest', type: 'number', family: true },
    { name: 'highest', type: 'number', family: true },
    { name: 'param', type: 'number', family: true },
    { name: 'created', type: 'date' },
    { name: 'started', type: 'date' },
    { name: 'ended', type: 'date' },
    { name: 'duration', type: 'duration' },
    { name: 'failure', type: 'choice', values: FailureClass.options },
    { name: 'favourite', type: 'choice', values: YES_OR_NO },
    { name: 'name', type: 'text' },
    { name: 'memo', type: 'text' },
    { name: 'value', type: 'text' },
    { name: 'image', type: 'text' },
    { name: 'number', type: 'number' },
    { name: 'run', type: 'reference' },
    { name: 'exit', type: 'number' },
    { name: 'attempt', type: 'number' },
    { name: 'cpu', type: 'number' },
    { name: 'memory', type: 'size' },
    { name: 'gpus', type: 'number' },
    { name: 'partition', type: 'reference' },
    { name: 'dataset', type: 'reference' },
    { name: 'data', type: 'reference' },
    { name: 'parent', type: 'reference' },
  ],
};

type Operator = ':' | '=' | '!=' | '<' | '<=' | '>' | '>=';

/** Which text explains an operator. */
export const OPERATOR_WORDS = { ':': 'has', '=': 'is', '!=': 'isNot', '<': 'less', '<=': 'most', '>': 'more', '>=': 'least' } as const satisfies Readonly<
  Record<Operator, string>
>;

const ORDERED: ReadonlySet<FieldType> = new Set(['number', 'size', 'duration', 'date']);

export const operatorsOf = ({ type }: SearchField): readonly Operator[] => (ORDERED.has(type) ? [':', '<', '<=', '>', '>=', '!='] : [':', '=', '!=']);
