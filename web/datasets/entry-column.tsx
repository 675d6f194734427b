import { useDraggable, useDroppable } from '@dnd-kit/core';
import { Button, Checkbox, Group, Text } from '@mantine/core';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseRows } from '../ui/choose-rows.ts';
import { formatNumber } from '../ui/formats.ts';
import { VirtualBox } from '../ui/virtual-rows.tsx';
import type { Entry } from './dataset-draft.ts';
import classes from './entry-column.module.css';

const ROW_PX = 44;

/** What is being dragged: from which column, and which data. */
export interface Dragged {
  readonly from: string;
  readonly data: readonly Entry[];
}

/**
 * A column of data, thousands if need be, of which one can choose several and drag them elsewhere. `actions` does the same
 * for the keyboard and for fingers.
 */
export function EntryColumn({
  name,
  title,
  entries,
  amount,
  readOnly = false,
  head,
  marked,
  onEnd,
  actions,
  empty,
}: {
  readonly name: string;
  readonly title: string;
  readonly entries: readonly Entry[];
  /** As shown beside the title. */
  readonly amount: string;
  readonly readOnly?: boolean;
  readonly head?: ReactNode;
  /** These lie in the set already. */
  readonly marked?: ReadonlySet<string>;
  readonly onEnd?: () => void;
  readonly actions?: (chosen: readonly Entry[], done: () => void) => ReactNode;
  readonly empty: string;
}) {
  const { t, i18n } = useTranslation();
  const { setNodeRef, isOver } = useDroppable({ id: name, disabled: readOnly });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string | null>(null);
  // What has left the column is no longer chosen.
  const present = useMemo(() => entries.filter(({ id }) => chosen.has(id)), [entries, chosen]);
  const choose = (id: string, range: boolean): void => {
    setChosen(
      chooseRows(
        entries.map((entry) => entry.id),
        chosen,
        id,
        last.current,
        range,
      ),
    );
    last.current = id;
  };
  return (
    <section ref={setNodeRef} className={classes['column']} data-over={isOver || undefined} aria-label={title}>
      <div className={classes['head']}>
        <Group gap={6} wrap="nowrap" justify="space-between">
          <Group gap={8} wrap="nowrap" miw={0}>
            {!readOnly && (
              <Checkbox
                size="xs"
                aria-label={t('datasets.chooseAll', { column: title })}
                checked={entries.length > 0 && present.length === entries.length}
                indeterminate={present.length > 0 && present.length < entries.length}
                disabled={entries.length === 0}
                onChange={() => setChosen(present.length === entries.length ? new Set() : new Set(entries.map(({ id }) => id)))}
              />
            )}
            <Text size="sm" fw={600} truncate>
              {title}
            </Text>
          </Group>
          <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
            {amount}
          </Text>
        </Group>
        {head}
        {present.length > 0 && actions !== undefined && (
          <Group gap={4} mt={6}>
            <Text size="xs">{t('data.selected', { amount: formatNumber(present.length, i18n.language) })}</Text>
            {actions(present, () => setChosen(new Set()))}
          </Group>
        )}
      </div>
      <div className={classes['body']}>
        {entries.length === 0 ? (
          <Text size="sm" c="dimmed" p="md" ta="center" data-empty>
            {empty}
          </Text>
        ) : (
          <VirtualBox
            label={title}
            count={entries.length}
            estimate={ROW_PX}
            keyOf={(index) => entries[index]?.id ?? String(index)}
            onEnd={onEnd}
            row={(index) => {
              const entry = entries[index];
              if (entry === undefined) return null;
              return (
                <EntryRow
                  column={name}
                  entry={entry}
                  readOnly={readOnly}
                  chosen={chosen.has(entry.id)}
                  together={chosen.has(entry.id) ? present : null}
                  marked={marked?.has(entry.id) ?? false}
                  onChoose={(range) => choose(entry.id, range)}
                />
              );
            }}
          />
        )}
      </div>
    </section>
  );
}

function EntryRow({
  column,
  entry,
  readOnly,
  chosen,
  together,
  marked,
  onChoose,
}: {
  readonly column: string;
  readonly entry: Entry;
  readonly readOnly: boolean;
  readonly chosen: boolean;
  readonly together: readonly Entry[] | null;
  readonly marked: boolean;
  readonly onChoose: (range: boolean) => void;
}) {
  const { t } = useTranslation();
  const dragged: Dragged = { from: column, data: together ?? [entry] };
  const { setNodeRef, listeners, isDragging } = useDraggable({ id: `${column} ${entry.id}`, data: { dragged }, disabled: readOnly });
  return (
    <div
      ref={setNodeRef}
      {...(readOnly ? {} : listeners)}
      className={classes['row']}
      data-chosen={chosen || undefined}
      data-dragging={isDragging || undefined}
      data-draggable={!readOnly || undefined}
    >
      {!readOnly && (
        <Checkbox
          size="xs"
          aria-label={t('data.select', { name: entry.name })}
          checked={chosen}
          onChange={(event) => onChoose(event.nativeEvent instanceof MouseEvent && event.nativeEvent.shiftKey)}
        />
      )}
      <div className={classes['text']} title={`#${entry.number} ${entry.name}`}>
        <Text size="sm" truncate lh={1.3}>
          {entry.name}
        </Text>
        <Text size="xs" c="dimmed" truncate lh={1.3}>
          #{entry.number}
          {entry.tags.length > 0 && ` · ${entry.tags.join(', ')}`}
          {marked && ` · ${t('datasets.inSet')}`}
        </Text>
      </div>
    </div>
  );
}

/** What one of the buttons above a column does with the data that are chosen. */
export function ColumnAction({ label, onClick }: { readonly label: string; readonly onClick: () => void }) {
  return (
    <Button size="compact-xs" variant="default" onClick={onClick}>
      {label}
    </Button>
  );
}
