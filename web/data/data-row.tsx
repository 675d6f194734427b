import type { Data } from '@sodate/contract/data.ts';
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import { useWords } from '../kit/i18n/words.tsx';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { Moment } from '../ui/moment.tsx';
import { TagList } from '../ui/tag-list.tsx';
import { Tick } from '../ui/tick.tsx';
import rows from '../ui/rows.module.css';
import classes from './data-table.module.css';

const TAGS_SHOWN = 6;

/** One data of the list, drawn again only when something of it changed; of plain elements, since scrolling draws them by the dozen. */
export const DataRow = memo(function DataRow({
  tenant,
  one,
  index,
  selected,
  onToggle,
}: {
  readonly tenant: string;
  readonly one: Data;
  readonly index: number;
  readonly selected: boolean;
  readonly onToggle: (index: number, range: boolean) => void;
}) {
  const { t, language } = useWords();
  return (
    <div role="row" className={classes['row']} data-selected={selected || undefined}>
      <span role="cell" className={classes['check']}>
        <Tick label={t('data.select', { name: one.name })} checked={selected} onChange={(range) => onToggle(index, range)} />
      </span>
      <span role="cell" className={classes['main']}>
        <Link className={`${rows['link']} ${classes['link']}`} to="/tenants/$tenant/data/$data" params={{ tenant, data: String(one.number) }} title={one.name}>
          {one.name}
        </Link>
        <span className={`${classes['small']} ${classes['under']}`}>
          #{one.number}
          <span className={classes['narrow']}>
            {' · '}
            <Moment at={one.createdAt} />
          </span>
          {one.parent !== null && ` · ${t('data.from', { name: one.parent.name })}`}
          {one.memo !== '' && ` · ${one.memo}`}
        </span>
        <span className={classes['narrow']}>
          <TagList tags={one.tags} most={3} />
        </span>
      </span>
      <span role="cell" className={classes['wide']}>
        <TagList tags={one.tags} most={TAGS_SHOWN} />
      </span>
      <span role="cell" className={classes['number']}>
        <span className={classes['plain']}>{formatBytes(one.totalSize, language)}</span>
        <span className={classes['small']}>{t('upload.files', { files: formatNumber(one.fileCount, language) })}</span>
      </span>
      <span role="cell" className={classes['wide']}>
        <span className={classes['plain']}>
          <Moment at={one.createdAt} />
        </span>
        <span className={`${classes['small']} ${classes['under']}`}>{one.createdBy.displayName}</span>
      </span>
    </div>
  );
});
