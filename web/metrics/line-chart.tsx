import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatDuration, formatNumber } from '../ui/formats.ts';
import { type ChartAxis, type ChartLines, nearestPlace } from './chart-lines.ts';
import classes from './line-chart.module.css';
import { lineStyle } from './line-colours.ts';
import { formatMetric } from './metric-numbers.ts';

interface LineChartProps {
  readonly lines: ChartLines;
  /** The runs in the order of their colours, with what they are called. */
  readonly runs: ReadonlyMap<string, { readonly index: number; readonly title: string }>;
  readonly axis: ChartAxis;
  readonly log: boolean;
  /** The part of the axis that is looked at; null for all of it. */
  readonly part: readonly [number, number] | null;
  readonly onPart: (part: readonly [number, number] | null) => void;
  /** For those who hear the page. */
  readonly label: string;
}

interface Hover {
  readonly place: number;
  readonly left: number;
  readonly right: boolean;
}

const HEIGHT = 190;
const SECONDS = [0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Lines over a common axis. Dragging over a part looks at it closer, a double click goes back. Fetched with uPlot when a chart is first shown. */
export function LineChart({ lines, runs, axis, log, part, onPart, label }: LineChartProps) {
  const { i18n } = useTranslation();
  const scheme = useComputedColorScheme('light');
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { ref: frame, width } = useElementSize();
  const [hover, setHover] = useState<Hover | null>(null);

  const data = useMemo(() => tableOf(lines), [lines]);
  // What uPlot is made with; as long as this stays the same, new points go into the same drawing and the pointer keeps its place.
  const structure = JSON.stringify(
    lines.lines.map(({ run, smoothed, least }) => ({ index: runs.get(run)?.index ?? 0, smoothed: smoothed !== null, band: least !== null })),
  );
  const laidOut = width > 0;
  const latest = useRef({ data, part, onPart, width });
  useEffect(() => {
    latest.current = { data, part, onPart, width };
  });

  useEffect(() => {
    const target = place.current;
    if (target === null || !laidOut) return;
    const shape = JSON.parse(structure) as Shape[];
    const made = new uPlot(
      {
        width: latest.current.width,
        height: HEIGHT,
        ...drawingOf(shape, scheme),
        scales: {
          x: { time: false, range: (_plot, min, max) => wideEnough(latest.current.part ?? [min, max]) },
          y: { distr: log ? 3 : 1, range: (_plot, min, max) => rangeOf(min, max, log) },
        },
        axes: axesOf(axis, i18n.language, scheme),
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
        hooks: {
          setCursor: [
            ({ cursor: { idx, left } }) =>
              setHover(idx == null || left === undefined || left < 0 ? null : { place: idx, left, right: left > latest.current.width / 2 - 30 }),
          ],
          setSelect: [
            (self) => {
              const { left, width: wide } = self.select;
              if (wide < 4) return;
              latest.current.onPart([self.posToVal(left, 'x'), self.posToVal(left + wide, 'x')]);
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      latest.current.data,
      target,
    );
    const back = (): void => latest.current.onPart(null);
    made.over.addEventListener('dblclick', back);
    plot.current = made;
    return () => {
      made.over.removeEventListener('dblclick', back);
      made.destroy();
      plot.current = null;
    };
  }, [structure, scheme, axis, log, i18n.language, laidOut]);

  useEffect(() => plot.current?.setData(data), [data, part]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);

  return (
    <div ref={frame} className={classes['frame']} style={{ minHeight: HEIGHT }}>
      <div ref={place} role="img" aria-label={label} />
      {hover !== null && (
        <div className={classes['hover']} data-right={hover.right || undefined} style={{ insetInlineStart: hover.left + AXIS_WIDTH }} aria-hidden>
          <div className={classes['x']}>{xWords(lines.xs[hover.place] ?? 0, axis, i18n.language)}</div>
          {hoverRows(lines, hover.place).map(({ run, value, smoothed }) => (
            <div key={run} className={classes['line']}>
              <span className={classes['swatch']} style={{ background: lineStyle(runs.get(run)?.index ?? 0, scheme).colour }} />
              {runs.size > 1 && <span className={classes['run']}>{runs.get(run)?.title}</span>}
              <span className={classes['value']}>
                {value === null ? '–' : formatMetric(value, i18n.language)}
                {smoothed != null && <span className={classes['quiet']}> ≈ {formatMetric(smoothed, i18n.language)}</span>}
              </span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

const AXIS_WIDTH = 62;
/** A hover box of more lines would cover the page. */
const HOVER_LINES = 12;

interface Shape {
  readonly index: number;
  readonly smoothed: boolean;
  readonly band: boolean;
}

/** The columns of uPlot, in the order that `drawingOf` describes. */
function tableOf({ xs, lines }: ChartLines): uPlot.AlignedData {
  return [
    xs,
    ...lines.flatMap(({ values, smoothed, least, greatest }) => [
      values,
      ...(smoothed === null ? [] : [smoothed]),
      ...(least === null || greatest === null ? [] : [greatest, least]),
    ]),
  ];
}

function drawingOf(shape: readonly Shape[], scheme: 'light' | 'dark'): Pick<uPlot.Options, 'series' | 'bands'> {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const { index, smoothed, band } of shape) {
    const { colour, dash } = lineStyle(index, scheme);
    const line = { stroke: colour, width: 1.75, ...(dash === undefined ? {} : { dash }), points: { size: 4 } };
    series.push(smoothed ? { ...line, alpha: 0.3, width: 1, points: { show: false } } : line);
    if (smoothed) series.push(line);
    if (!band) continue;
    bands.push({ series: [series.length, series.length + 1], fill: `${colour}59` });
    series.push({ width: 0, points: { show: false } }, { width: 0, points: { show: false } });
  }
  return { series, bands };
}

function axesOf(axis: ChartAxis, language: string, scheme: 'light' | 'dark'): uPlot.Axis[] {
  const stroke = scheme === 'light' ? '#59636d' : '#a3a8a5';
  const line = { stroke: scheme === 'light' ? '#e6e9ec' : '#34383a', width: 1 };
  const common: uPlot.Axis = { stroke, grid: line, ticks: line, font: '11px system-ui, sans-serif' };
  return [
    {
      ...common,
      size: 30,
      space: axis === 'step' ? 60 : 90,
      values: (_plot, splits) => splits.map((split) => (axis === 'step' ? formatNumber(split, language) : formatDuration(split * 1000, language))),
      incrs: axis === 'step' ? WHOLE_STEPS : SECONDS,
    },
    { ...common, size: AXIS_WIDTH, values: (_plot, splits) => splits.map((split) => (split === null ? '' : formatMetric(split, language))) },
  ];
}

/** Steps are whole numbers up to 2^52. */
const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** A single point has no width of its own. */
function wideEnough([min, max]: readonly [number | null, number | null]): [number, number] {
  if (min === null || max === null) return [0, 1];
  return min === max ? [min - 1, max + 1] : [min, max];
}

function rangeOf(min: number | null, max: number | null, log: boolean): uPlot.Range.MinMax {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return log ? [1, 10] : [0, 1];
  return log ? uPlot.rangeLog(min, max, 10, false) : uPlot.rangeNum(min, max, 0.1, true);
}

const xWords = (x: number, axis: ChartAxis, language: string): string => (axis === 'step' ? formatNumber(x, language) : formatDuration(x * 1000, language));

const hoverRows = (all: ChartLines, place: number): readonly { readonly run: string; readonly value: number | null; readonly smoothed: number | null }[] =>
  all.lines
    .flatMap(({ run, values, smoothed }, index) => {
      const own = nearestPlace(all, index, place);
      return own === null ? [] : [{ run, value: values[own] ?? null, smoothed: smoothed?.[own] ?? null }];
    })
    .slice(0, HOVER_LINES);
