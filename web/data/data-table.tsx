import { Loader } from '@mantine/core';
import type { Data } from '@sodate/contract/data.ts';
import { useCallback, useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseRows } from '../ui/choose-rows.ts';
import { Tick } from '../ui/tick.tsx';
import { SortHeader } from '../search/sort-header.tsx';
import { isSorted } from '../search/sort-order.ts';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import { DataRow } from './data-row.tsx';
import rows from '../ui/rows.module.css';
import classes from './data-table.module.css';

const ROW_PX = 62;

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
  const { t } = useTranslation();
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
  // Rows are drawn again when something of theirs changes. What they call stays the same and does the latest.
  const latest = useRef(toggle);
  useLayoutEffect(() => {
    latest.current = toggle;
  });
  const onToggle = useCallback((index: number, range: boolean): void => latest.current(index, range), []);
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
            <Tick label={t('data.selectAll')} checked={here > 0 && here === data.length} some={here > 0 && here < data.length} onChange={all} />
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
          return <DataRow tenant={tenant} one={one} index={index} selected={selected.has(one.id)} onToggle={onToggle} />;
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
