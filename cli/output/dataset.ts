import { DATA_TYPES, type DatasetDetails } from '@sodate/contract/datasets.ts';
import { fields } from './table.ts';
import { formatTime } from './time.ts';

/** A set may hold 100,000 entries; people get the first of each list, `--json` all. */
const SHOWN_ENTRIES = 20;

type Entries = DatasetDetails['flatEntries'];

function formatEntries(entries: Entries): string {
  const shown = entries.slice(0, SHOWN_ENTRIES).map((entry) => `#${entry.number} ${entry.name}`);
  const more = entries.length - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n');
}

export const formatDataset = (dataset: DatasetDetails): string =>
  fields([
    ['Data set', `#${dataset.number} ${dataset.name}`],
    ['Memo', dataset.memo],
    ['Locked', dataset.locked ? 'yes: a run has used it; copy it to change it' : 'no'],
    ['Entries', dataset.entryCount],
    ...(dataset.flat
      ? [['Data', formatEntries(dataset.flatEntries)] as const]
      : DATA_TYPES.map((type) => [`For ${type}`, formatEntries(dataset.entries[type])] as const)),
    ['Created', `${formatTime(dataset.createdAt)} by ${dataset.createdBy.name}`],
    ['Id', dataset.id],
  ]);
