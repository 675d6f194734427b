import { DATA_TYPES, type DataType } from '@sodate/contract/datasets.ts';
import { usageError } from './cli-error.ts';
import { texts } from './command.ts';
import { parseReferences } from './parse-references.ts';

export const entryOptions = {
  training: texts('--training <data>', 'data for training: 1,2,5-9'),
  testing: texts('--testing <data>', 'data for testing'),
  validation: texts('--validation <data>', 'data for validation'),
  flat: texts('--flat <data>', 'data of a set without types'),
};

type Given = Readonly<Record<DataType | 'flat', readonly string[]>>;
type Lists = Record<DataType, string[]>;

/** What of the entries the caller named; types not named stay as in `present`. */
export function readEntries(given: Given, present: Lists): { entries?: Lists; flatEntries?: string[] } {
  const typed = DATA_TYPES.filter((type) => given[type].length > 0);
  if (given.flat.length > 0) {
    if (typed.length > 0) throw usageError('--flat excludes --training, --testing and --validation.');
    return { flatEntries: parseReferences('--flat', given.flat) };
  }
  if (typed.length === 0) return {};
  const entries = { ...present };
  for (const type of typed) entries[type] = parseReferences(`--${type}`, given[type]);
  return { entries };
}
