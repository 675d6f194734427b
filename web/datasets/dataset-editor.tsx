import { closestCenter, DndContext, type DragEndEvent, DragOverlay, MouseSensor, pointerWithin, TouchSensor, useSensor, useSensors } from '@dnd-kit/core';
import { Badge, SegmentedControl, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { Title } from '@sodate/contract/names.ts';
import { useState } from 'react';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../ui/formats.ts';
import { DataPool, POOL } from './data-pool.tsx';
import { addTo, type Column, columnsOf, type DatasetDraft, entriesIn, move, removeFrom } from './dataset-draft.ts';
import classes from './dataset-editor.module.css';
import { ColumnAction, type Dragged, EntryColumn } from './entry-column.tsx';

/** Arranges data into a data set: by dragging, or by choosing and pressing a button. */
export function DatasetEditor({
  tenant,
  draft,
  onChange,
  mayChooseForm,
}: {
  readonly tenant: string;
  readonly draft: DatasetDraft;
  readonly onChange: (draft: DatasetDraft) => void;
  /** Typed or flat is decided when a set is made. */
  readonly mayChooseForm: boolean;
}) {
  const { t, i18n } = useTranslation();
  const [dragged, setDragged] = useState<Dragged | null>(null);
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 250, tolerance: 8 } }),
  );
  const columns = columnsOf(draft);
  const marked = new Set(columns.flatMap((column) => entriesIn(draft, column).map(({ id }) => id)));
  const columnTitle = (column: Column): string => (column === 'flat' ? t('datasets.flatColumn') : t(`datasets.type.${column}`));

  const drop = ({ over }: DragEndEvent): void => {
    const held = dragged;
    setDragged(null);
    if (held === null || over === null || over.id === held.from) return;
    const to = columns.find((column) => column === over.id);
    const from = columns.find((column) => column === held.from);
    const ids = new Set(held.data.map(({ id }) => id));
    if (to !== undefined) onChange(from === undefined ? addTo(draft, to, held.data) : move(draft, from, to, ids));
    else if (over.id === POOL && from !== undefined) onChange(removeFrom(draft, from, ids));
  };

  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <TextInput
          label={t('data.name')}
          value={draft.name}
          maxLength={255}
          required
          onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })}
          error={draft.name !== '' && !Title.safeParse(draft.name).success ? t('data.nameForm') : null}
        />
        <Textarea
          label={t('data.memo')}
          value={draft.memo}
          maxLength={10_000}
          autosize
          minRows={1}
          maxRows={6}
          onChange={(event) => onChange({ ...draft, memo: event.currentTarget.value })}
        />
      </SimpleGrid>
      {mayChooseForm && (
        <div>
          <SegmentedControl
            aria-label={t('datasets.form')}
            value={draft.flat ? 'flat' : 'typed'}
            onChange={(value) => onChange({ ...draft, flat: value === 'flat' })}
            data={[
              { value: 'typed', label: t('datasets.typed') },
              { value: 'flat', label: t('datasets.flat') },
            ]}
          />
        </div>
      )}
      <Text size="sm" c="dimmed">
        {t('datasets.howTo')}
      </Text>
      <DndContext
        sensors={sensors}
        collisionDetection={(given) => {
          const within = pointerWithin(given);
          return within.length > 0 ? within : closestCenter(given);
        }}
        onDragStart={({ active }) => setDragged((active.data.current as { dragged: Dragged } | undefined)?.dragged ?? null)}
        onDragEnd={drop}
        onDragCancel={() => setDragged(null)}
      >
        <div className={classes['columns']} data-flat={draft.flat || undefined}>
          <DataPool
            tenant={tenant}
            marked={marked}
            columns={columns}
            columnTitle={columnTitle}
            onAdd={(column, data) => onChange(addTo(draft, column, data))}
          />
          {columns.map((column) => (
            <EntryColumn
              key={column}
              name={column}
              title={columnTitle(column)}
              entries={entriesIn(draft, column)}
              amount={formatNumber(entriesIn(draft, column).length, i18n.language)}
              empty={t('datasets.dropHere')}
              actions={(chosen, done) => {
                const ids = new Set(chosen.map(({ id }) => id));
                return (
                  <>
                    {columns
                      .filter((other) => other !== column)
                      .map((other) => (
                        <ColumnAction
                          key={other}
                          label={`→ ${columnTitle(other)}`}
                          onClick={() => {
                            onChange(move(draft, column, other, ids));
                            done();
                          }}
                        />
                      ))}
                    <ColumnAction
                      label={t('action.remove')}
                      onClick={() => {
                        onChange(removeFrom(draft, column, ids));
                        done();
                      }}
                    />
                  </>
                );
              }}
            />
          ))}
        </div>
        {createPortal(
          <DragOverlay dropAnimation={null}>
            {dragged !== null && (
              <Badge size="lg" tt="none" radius="sm" maw={260}>
                {dragged.data.length === 1 ? dragged.data[0]?.name : t('upload.several', { amount: formatNumber(dragged.data.length, i18n.language) })}
              </Badge>
            )}
          </DragOverlay>,
          document.body,
        )}
      </DndContext>
    </Stack>
  );
}
