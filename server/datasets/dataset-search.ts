import * as fields from '#search/search-fields.ts';
import type { SearchedList } from '#search/search.ts';
import { asWritten, instantColumn, numberColumn, textColumn } from '#search/sort-order.ts';
import { sql } from 'kysely';

const text = sql<string>`(datasets.name || ' ' || datasets.memo)`;

/** What data sets are searched and sorted by. */
export const DATASET_LIST: SearchedList = {
  table: 'datasets',
  text,
  fields: [
    fields.wholeNumberField('number', sql`datasets.number`),
    fields.textField('name', sql`datasets.name`, text),
    fields.textField('memo', sql`datasets.memo`, text),
    fields.instantField('created', sql`datasets.created_at`),
    fields.personField('creator', sql`datasets.created_by`),
    fields.wholeNumberField('entries', sql`datasets.entry_count`),
    fields.yesOrNoField('flat', sql`datasets.flat`),
    fields.yesOrNoField('locked', sql`(datasets.locked_at is not null)`),
    fields.thingField(
      'data',
      'data',
      (id, { tenant }) => sql`datasets.id in (select dataset_id from dataset_entries where tenant_id = ${tenant} and data_id = ${id})`,
    ),
    fields.runField('run', (id, { tenant }) => sql`datasets.id in (select dataset_id from run_datasets where tenant_id = ${tenant} and run_id = ${id})`),
  ],
  sorts: {
    created: asWritten(instantColumn(sql`datasets.created_at`)),
    number: asWritten(numberColumn(sql`datasets.number`)),
    name: textColumn(sql`datasets.name`),
    entries: numberColumn(sql`datasets.entry_count`),
  },
};
