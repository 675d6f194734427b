import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../../ui/formats.ts';
import { formatMetric } from '../metric-numbers.ts';
import { drawHistograms } from './draw-histograms.ts';
import type { Item } from './item-queries.ts';
import classes from './items.module.css';

const SIZE = { width: 320, height: 170 };
/** Below the drawing, for the values. */
const AXIS = 18;
/** Beside it, for the steps. */
const STEPS = 44;

/** How the values were spread, step by step: a ridge each, later ones in front; the one at the step that is looked at stands out. */
export function HistogramView({
  name,
  items,
  item,
  colour,
}: {
  readonly name: string;
  readonly items: readonly Item[];
  /** The one that is looked at; null where there is none yet. */
  readonly item: Item | null;
  readonly colour: string;
}) {
  const { t, i18n } = useTranslation('items');
  const drawn = useMemo(
    () =>
      drawHistograms(
        items.flatMap(({ step, histogram }) => (histogram === null ? [] : [{ step, histogram }])),
        SIZE,
      ),
    [items],
  );
  const first = items.reduce((least, { step }) => Math.min(least, step), Number.POSITIVE_INFINITY);
  const last = items.reduce((greatest, { step }) => Math.max(greatest, step), Number.NEGATIVE_INFINITY);
  const number = (value: number): string => formatNumber(value, i18n.language);
  if (drawn === null)
    return (
      <Text size="sm" c="dimmed">
        {t('nothingToDraw')}
      </Text>
    );
  const { ridges, low, high } = drawn;
  // Not every step is drawn; the nearest one before stands for it.
  const marked = item === null ? -1 : ridges.findLastIndex(({ step }) => step <= item.step);
  const [top, bottom] = [ridges[0], ridges.at(-1)];
  const label = t('histogramLabel', { name, amount: number(items.length), steps: t('steps', { first: number(first), last: number(last) }) });
  return (
    <>
      <svg className={classes['drawing']} viewBox={`0 0 ${SIZE.width + STEPS} ${SIZE.height + AXIS}`} role="img" aria-label={label}>
        {ridges.map(({ step, path }, index) => (
          <path
            key={step}
            d={path}
            fill={`color-mix(in srgb, ${colour} ${index === marked ? 85 : shade(index, ridges.length)}%, var(--mantine-color-body))`}
            stroke={index === marked ? 'var(--mantine-color-text)' : 'var(--mantine-color-body)'}
            strokeWidth={index === marked ? 1.5 : 0.8}
          />
        ))}
        <text className={classes['axis']} x={0} y={SIZE.height + AXIS - 4}>
          {formatMetric(low, i18n.language)}
        </text>
        <text className={classes['axis']} x={SIZE.width / 2} y={SIZE.height + AXIS - 4} textAnchor="middle">
          {formatMetric((low + high) / 2, i18n.language)}
        </text>
        <text className={classes['axis']} x={SIZE.width} y={SIZE.height + AXIS - 4} textAnchor="end">
          {formatMetric(high, i18n.language)}
        </text>
        {top !== undefined && ridges.length > 1 && (
          <text className={classes['axis']} x={SIZE.width + STEPS} y={top.base} textAnchor="end">
            {number(top.step)}
          </text>
        )}
        {bottom !== undefined && (
          <text className={classes['axis']} x={SIZE.width + STEPS} y={bottom.base} textAnchor="end">
            {number(bottom.step)}
          </text>
        )}
      </svg>
      <Text size="xs" c="dimmed">
        {item?.histogram == null
          ? t('notYet')
          : t('histogramFacts', {
              count: formatMetric(item.histogram.count, i18n.language),
              min: formatMetric(item.histogram.min, i18n.language),
              max: formatMetric(item.histogram.max, i18n.language),
            })}
      </Text>
    </>
  );
}

/** Per cent of the colour: older ones are paler. */
const shade = (index: number, count: number): number => (count === 1 ? 60 : Math.round(22 + (38 * index) / (count - 1)));
