import type { DatasetDetails } from '@sodate/contract/datasets.ts';

/** `meta.json` as entry points written for KAMONOHASHI expect it: numbers as ids, local times, newest data first. */
export function datasetMeta(dataset: DatasetDetails, timeZone: string): object {
  const listed = (entries: DatasetDetails['flatEntries']): object[] =>
    [...entries].sort((a, b) => b.number - a.number).map(({ number, name, tags }) => ({ id: number, displayId: null, name, tags }));
  return {
    id: dataset.number,
    displayId: null,
    name: dataset.name,
    memo: dataset.memo,
    isFlat: dataset.flat,
    isLocked: dataset.locked,
    entries: { training: listed(dataset.entries.training), testing: listed(dataset.entries.testing), validation: listed(dataset.entries.validation) },
    flatEntries: listed(dataset.flatEntries),
    createdBy: dataset.createdBy.name,
    displayNameCreatedBy: dataset.createdBy.displayName,
    createdAt: localTime(dataset.createdAt, timeZone),
    modifiedBy: dataset.createdBy.name,
    modifiedAt: localTime(dataset.createdAt, timeZone),
  };
}

/** `yyyy-MM-dd HH:mm:ss`, which is how Swedes write it. */
const localTime = (instant: string, timeZone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(new Date(instant));
