import * as fields from '#search/search-fields.ts';
import { metricColumn, metricField, parameterColumn, parameterField } from '#runs/run-search-values.ts';
import type { SearchedList } from '#search/search.ts';
import { asWritten, durationColumn, instantColumn, nullable, numberColumn, textColumn } from '#search/sort-order.ts';
import { FailureClass } from '@sodate/contract/failures.ts';
import { RUN_KINDS, RUN_STATES } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';

const text = sql<string>`(runs.name || ' ' || runs.memo)`;
const duration = sql`(runs.ended_at - runs.started_at)`;
/** What a run said of itself may be long; an index entry may not. */
const value = sql<string | null>`left(runs.output_value, 250)`;

/** What runs are searched and sorted by. */
export const RUN_LIST: SearchedList = {
  table: 'runs',
  text,
  fields: [
    fields.wholeNumberField('number', sql`runs.number`),
    fields.runField('run', (id) => sql`runs.id = ${id}`),
    fields.choiceField('kind', sql`runs.kind`, RUN_KINDS),
    fields.choiceField('state', sql`runs.state`, RUN_STATES),
    fields.textField('name', sql`runs.name`, text),
    fields.textField('memo', sql`runs.memo`, text),
    fields.tagField(sql`runs.tags`),
    fields.yesOrNoField('favourite', sql`runs.favourite`),
    fields.instantField('created', sql`runs.created_at`),
    fields.instantField('started', sql`runs.started_at`),
    fields.instantField('ended', sql`runs.ended_at`),
    fields.durationField('duration', duration),
    fields.personField('creator', sql`runs.created_by`),
    fields.choiceField('failure', sql`runs.failure_class`, FailureClass.options),
    fields.wholeNumberField('exit', sql`runs.exit_code`),
    fields.textField('value', value),
    fields.textField('image', sql`runs.image`),
    fields.equalField('partition', "a partition's name", (name) => (name === '' ? null : sql`runs.partition = ${name}`)),
    fields.wholeNumberField('attempt', sql`runs.attempt`),
    fields.decimalField('cpu', sql`(runs.cpu_milli / 1000.0)`),
    fields.bytesField('memory', sql`runs.memory_bytes`),
    fields.wholeNumberField('gpus', sql`runs.gpus`),
    fields.thingField(
      'dataset',
      'datasets',
      (id, { tenant }) => sql`runs.id in (select run_id from run_datasets where tenant_id = ${tenant} and dataset_id = ${id})`,
    ),
    fields.thingField(
      'data',
      'data',
      (id, { tenant }) =>
        sql`runs.id in (select used.run_id from run_datasets used join dataset_entries held on held.dataset_id = used.dataset_id
          where used.tenant_id = ${tenant} and held.tenant_id = ${tenant} and held.data_id = ${id})`,
    ),
    fields.runField('parent', (id, { tenant }) => sql`runs.id in (select run_id from run_parents where tenant_id = ${tenant} and parent_id = ${id})`),
    metricField('metric', 'last_value'),
    metricField('lowest', 'min_value'),
    metricField('highest', 'max_value'),
    parameterField,
  ],
  sorts: {
    created: asWritten(instantColumn(sql`runs.created_at`)),
    number: asWritten(numberColumn(sql`runs.number`)),
    name: textColumn(sql`runs.name`),
    state: textColumn(sql`runs.state`),
    started: asWritten(nullable(instantColumn(sql`runs.started_at`))),
    ended: asWritten(nullable(instantColumn(sql`runs.ended_at`))),
    duration: nullable(durationColumn(duration)),
    exit: nullable(numberColumn(sql`runs.exit_code`)),
    value: nullable(textColumn(value)),
  },
  sortFamilies: {
    metric: (name) => metricColumn(name, 'last_value'),
    lowest: (name) => metricColumn(name, 'min_value'),
    highest: (name) => metricColumn(name, 'max_value'),
    param: parameterColumn,
  },
};
