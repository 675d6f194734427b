import { DATA_TYPES, type DatasetDetails, type DataType } from '@sodate/contract/datasets.ts';
import { z } from 'zod';

const Entry = z.object({ id: z.string(), number: z.number(), name: z.string(), tags: z.array(z.string()) });
export type Entry = z.infer<typeof Entry>;

/** A data set while somebody arranges it. Both arrangements are kept, so that trying the other one loses nothing. */
export const DatasetDraft = z.object({
  name: z.string(),
  memo: z.string(),
  flat: z.boolean(),
  entries: z.object({ training: z.array(Entry), testing: z.array(Entry), validation: z.array(Entry) }),
  flatEntries: z.array(Entry),
});
export type DatasetDraft = z.infer<typeof DatasetDraft>;

/** Where data can lie: in one of the types, or in the one list of a flat set. */
export type Column = DataType | 'flat';

export const EMPTY_DRAFT: DatasetDraft = { name: '', memo: '', flat: false, entries: { training: [], testing: [], validation: [] }, flatEntries: [] };

export const draftOf = ({ name, memo, flat, entries, flatEntries }: DatasetDetails): DatasetDraft => ({
  name,
  memo,
  flat,
  entries: { training: [...entries.training], testing: [...entries.testing], validation: [...entries.validation] } as DatasetDraft['entries'],
  flatEntries: [...flatEntries] as DatasetDraft['flatEntries'],
});

export const columnsOf = (draft: { readonly flat: boolean }): readonly Column[] => (draft.flat ? ['flat'] : DATA_TYPES);

export const entriesIn = (draft: DatasetDraft, column: Column): readonly Entry[] => (column === 'flat' ? draft.flatEntries : draft.entries[column]);

const withEntries = (draft: DatasetDraft, column: Column, entries: Entry[]): DatasetDraft =>
  column === 'flat' ? { ...draft, flatEntries: entries } : { ...draft, entries: { ...draft.entries, [column]: entries } };

/** Puts data into a column, at its end; what is there already stays where it is. */
export function addTo(draft: DatasetDraft, column: Column, data: readonly Entry[]): DatasetDraft {
  const before = entriesIn(draft, column);
  const known = new Set(before.map(({ id }) => id));
  const added = data.filter(({ id }) => !known.has(id) && known.add(id) !== undefined);
  return added.length === 0 ? draft : withEntries(draft, column, [...before, ...added]);
}

export function removeFrom(draft: DatasetDraft, column: Column, ids: ReadonlySet<string>): DatasetDraft {
  return withEntries(
    draft,
    column,
    entriesIn(draft, column).filter(({ id }) => !ids.has(id)),
  );
}

export function move(draft: DatasetDraft, from: Column, to: Column, ids: ReadonlySet<string>): DatasetDraft {
  if (from === to) return draft;
  const moved = entriesIn(draft, from).filter(({ id }) => ids.has(id));
  return addTo(removeFrom(draft, from, ids), to, moved);
}

/** As the API takes it. */
export const entriesBody = (draft: DatasetDraft) => {
  const ids = (entries: readonly Entry[]): string[] => entries.map(({ id }) => id);
  return draft.flat
    ? { flatEntries: ids(draft.flatEntries) }
    : { entries: { training: ids(draft.entries.training), testing: ids(draft.entries.testing), validation: ids(draft.entries.validation) } };
};

export const sameEntries = (one: DatasetDraft, other: DatasetDraft): boolean =>
  one.flat === other.flat && JSON.stringify(entriesBody(one)) === JSON.stringify(entriesBody(other));
