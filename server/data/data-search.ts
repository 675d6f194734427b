import * as fields from '#search/search-fields.ts';
import type { SearchedList } from '#search/search.ts';
import { asWritten, instantColumn, numberColumn, textColumn } from '#search/sort-order.ts';
import { sql } from 'kysely';

const text = sql<string>`(data.name || ' ' || data.memo)`;
const isIn = (entries: ReturnType<typeof sql>) => sql<boolean>`data.id in (${entries})`;

/** What data are searched and sorted by. */
export const DATA_LIST: SearchedList = {
  table: 'data',
  text,
  fields: [
    fields.wholeNumberField('number', sql`data.number`),
    fields.textField('name', sql`data.name`, text),
    fields.textField('memo', sql`data.memo`, text),
    fields.tagField(sql`data.tags`),
    fields.instantField('created', sql`data.created_at`),
    fields.personField('creator', sql`data.created_by`),
    fields.wholeNumberField('files', sql`data.file_count`),
    fields.bytesField('size', sql`data.total_size`),
    fields.thingField('parent', 'data', (id) => sql`data.parent_id = ${id}`),
    fields.thingField('dataset', 'datasets', (id, { tenant }) =>
      isIn(sql`select data_id from dataset_entries where tenant_id = ${tenant} and dataset_id = ${id}`),
    ),
  ],
  sorts: {
    created: asWritten(instantColumn(sql`data.created_at`)),
    number: asWritten(numberColumn(sql`data.number`)),
    name: textColumn(sql`data.name`),
    files: numberColumn(sql`data.file_count`),
    size: numberColumn(sql`data.total_size`),
  },
};
