import type { ChartView } from './chart-lines.ts';

/** With all of the past no value of its own would be left. */
export const MOST_SMOOTHING = 0.99;

/** What a device remembered: `step,linear,0.6`; what is unreadable is as at first. */
export function readChartView(text: string | null): ChartView {
  const [axis, scale, smoothing] = (text ?? '').split(',');
  const weight = Number(smoothing ?? 0);
  return {
    axis: axis === 'time' ? 'time' : 'step',
    log: scale === 'log',
    smoothing: weight >= 0 && weight <= MOST_SMOOTHING ? weight : 0,
  };
}

export const writeChartView = ({ axis, log, smoothing }: ChartView): string => [axis, log ? 'log' : 'linear', smoothing].join(',');
