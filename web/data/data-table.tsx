import { Checkbox, Loader, Text } from '@mantine/core';
import type { Data } from '@sodate/contract/data.ts';
import { Link } from '@tanstack/react-router';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseRows } from '../ui/choose-rows.ts';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { Moment } from '../ui/moment.tsx';
import { TagList } from '../ui/tag-list.tsx';
import { SortHeader } from '../search/sort-header.tsx';
import { isSorted } from '../search/sort-order.ts';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import rows from '../ui/rows.module.css';
import classes from './data-table.module.css';

const ROW_PX = 62;
const TAGS_SHOWN = 6;

/** Data as rows, of which only those in view are drawn. A click with Shift chooses everything in between. */
export function DataTable({
  tenant,
  data,
  selected,
  onSelect,
  onEnd,
  loadingMore,
  sort,
  onSort,
}: {
  readonly tenant: string;
  readonly data: readonly Data[];
  readonly selected: ReadonlyMap<string, Data>;
  readonly onSelect: (selected: ReadonlyMap<string, Data>) => void;
  readonly onEnd: () => void;
  readonly loadingMore: boolean;
  readonly sort: string | undefined;
  readonly onSort: (sort: string | undefined) => void;
}) {
  const { t, i18n } = useTranslation();
  const last = useRef<string | null>(null);
  const here = data.filter(({ id }) => selected.has(id)).length;
  const toggle = (index: number, range: boolean): void => {
    const one = data[index];
    if (one === undefined) return;
    const ids = chooseRows(
      data.map(({ id }) => id),
      new Set(selected.keys()),
      one.id,
      last.current,
      range,
    );
    const next = new Map([...selected.values(), ...data].filter(({ id }) => ids.has(id)).map((each) => [each.id, each]));
    last.current = one.id;
    onSelect(next);
  };
  const all = (): void => {
    const next = new Map(selected);
    for (const one of data) {
      if (here < data.length) next.set(one.id, one);
      else next.delete(one.id);
    }
    onSelect(next);
  };
  return (
    <div className={rows['frame']} role="table" aria-label={t('nav.data')} aria-rowcount={-1}>
      <div role="rowgroup">
        <div role="row" className={`${classes['row']} ${rows['head']} ${classes['head']}`}>
          <span role="columnheader">
            <Checkbox
              size="xs"
              aria-label={t('data.selectAll')}
              checked={here > 0 && here === data.length}
              indeterminate={here > 0 && here < data.length}
              onChange={all}
            />
          </span>
          <span role="columnheader" aria-sort={isSorted(sort, 'name')}>
            <SortHeader column="name" sort={sort} onSort={onSort}>
              {t('data.name')}
            </SortHeader>
          </span>
          <span role="columnheader" className={classes['wide']}>
            {t('data.tags')}
          </span>
          <span role="columnheader" className={classes['number']} aria-sort={isSorted(sort, 'size')}>
            <SortHeader column="size" descendingFirst sort={sort} onSort={onSort}>
              {t('data.size')}
            </SortHeader>
          </span>
          <span role="columnheader" className={classes['wide']} aria-sort={isSorted(sort, 'created')}>
            <SortHeader column="created" descendingFirst sort={sort} onSort={onSort}>
              {t('data.created')}
            </SortHeader>
          </span>
        </div>
      </div>
      <VirtualRows
        count={data.length}
        estimate={ROW_PX}
        keyOf={(index) => data[index]?.id ?? String(index)}
        onEnd={onEnd}
        row={(index) => {
          const one = data[index];
          if (one === undefined) return null;
          return (
            <div role="row" className={classes['row']} data-selected={selected.has(one.id) || undefined}>
              <span role="cell" className={classes['check']}>
                <Checkbox
                  size="xs"
                  aria-label={t('data.select', { name: one.name })}
                  checked={selected.has(one.id)}
                  onChange={(event) => toggle(index, event.nativeEvent instanceof MouseEvent && event.nativeEvent.shiftKey)}
                />
              </span>
              <span role="cell" className={classes['main']}>
                <Link
                  className={`${rows['link']} ${classes['link']}`}
                  to="/tenants/$tenant/data/$data"
                  params={{ tenant, data: String(one.number) }}
                  title={one.name}
                >
                  {one.name}
                </Link>
                <Text size="xs" c="dimmed" component="span" className={classes['under'] ?? ''}>
                  #{one.number}
                  <span className={classes['narrow']}>
                    {' · '}
                    <Moment at={one.createdAt} />
                  </span>
                  {one.parent !== null && ` · ${t('data.from', { name: one.parent.name })}`}
                  {one.memo !== '' && ` · ${one.memo}`}
                </Text>
                <span className={classes['narrow']}>
                  <TagList tags={one.tags} most={3} />
                </span>
              </span>
              <span role="cell" className={classes['wide']}>
                <TagList tags={one.tags} most={TAGS_SHOWN} />
              </span>
              <span role="cell" className={classes['number']}>
                <Text size="sm" component="span" display="block">
                  {formatBytes(one.totalSize, i18n.language)}
                </Text>
                <Text size="xs" c="dimmed" component="span" display="block">
                  {t('upload.files', { files: formatNumber(one.fileCount, i18n.language) })}
                </Text>
              </span>
              <span role="cell" className={classes['wide']}>
                <Text size="sm" component="span" display="block">
                  <Moment at={one.createdAt} />
                </Text>
                <Text size="xs" c="dimmed" component="span" display="block" truncate>
                  {one.createdBy.displayName}
                </Text>
              </span>
            </div>
          );
        }}
      />
      {loadingMore && (
        <div className={classes['more']}>
          <Loader size="xs" aria-label={t('palette.searching')} />
        </div>
      )}
    </div>
  );
}
