import { Group, SegmentedControl, Slider, Switch, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { recall, remember } from '../kit/remembered.ts';
import type { ChartView } from './chart-lines.ts';
import { MOST_SMOOTHING, readChartView, writeChartView } from './chart-view.ts';

/** How charts are drawn, as this device remembers it. */
export function useChartView(): readonly [ChartView, (view: ChartView) => void] {
  const [view, setView] = useState(() => readChartView(recall('metrics-view')));
  return [
    view,
    (chosen) => {
      setView(chosen);
      remember('metrics-view', writeChartView(chosen));
    },
  ];
}

export function ChartSettings({ view, onChange }: { readonly view: ChartView; readonly onChange: (view: ChartView) => void }) {
  const { t } = useTranslation();
  return (
    <Group gap="md" role="group" aria-label={t('metrics.settings')}>
      <Group gap={8} wrap="nowrap">
        <Text size="sm" aria-hidden>
          {t('metrics.smoothing')}
        </Text>
        <Slider
          w={120}
          min={0}
          max={MOST_SMOOTHING}
          step={0.01}
          size="sm"
          value={view.smoothing}
          onChange={(smoothing) => onChange({ ...view, smoothing })}
          label={(value) => value.toFixed(2)}
          thumbLabel={t('metrics.smoothing')}
        />
      </Group>
      <Switch size="sm" label={t('metrics.log')} checked={view.log} onChange={(event) => onChange({ ...view, log: event.currentTarget.checked })} />
      <SegmentedControl
        size="xs"
        aria-label={t('metrics.axis')}
        value={view.axis}
        onChange={(axis) => onChange({ ...view, axis })}
        data={[
          { value: 'step', label: t('metrics.step') },
          { value: 'time', label: t('metrics.time') },
        ]}
      />
    </Group>
  );
}
