import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { LogLines } from './log-lines.ts';
import { type LogRows, oneRowPerLine, rowsByWidth } from './log-rows.ts';
import type { LogSearch } from './log-search.ts';
import classes from './log-view.module.css';

/** Same as the style sheet's line height. */
const ROW_PX = 20;
const ROWS_BEYOND = 12;
const PADDING_PX = 24;
/**
 * Browsers cut an element off at a height between 17.8 (Firefox) and 33.5 million pixels (Chromium). A longer log scrolls
 * by proportion instead: a million lines fit as they are, ten million rows scroll 13 rows at a time.
 */
const HEIGHT_LIMIT_PX = 15_000_000;

export interface LogViewHandle {
  toStart(): void;
  toEnd(): void;
  toLine(line: number): void;
}

interface LogViewProps {
  readonly lines: LogLines;
  /** Changes whenever lines were added. */
  readonly version: number;
  readonly label: string;
  readonly follow: boolean;
  readonly onFollow: (follow: boolean) => void;
  readonly wrap: boolean;
  readonly search: LogSearch | null;
  readonly currentLine: number | null;
  readonly handle: Ref<LogViewHandle>;
}

/** Draws the rows that can be seen and a few more, whatever the length. What was written is only ever text. */
export function LogView({ lines, version, label, follow, onFollow, wrap, search, currentLine, handle }: LogViewProps) {
  const view = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLSpanElement>(null);
  const [box, setBox] = useState({ height: 400, columns: 120 });
  const [scrollTop, setScrollTop] = useState(0);
  const lastTop = useRef(0);
  /** What is read now, so that breaking lines anew does not lose the place. */
  const topLine = useRef(0);

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null) return undefined;
    const measure = (): void => {
      const character = (ruler.current?.getBoundingClientRect().width ?? 80) / 10;
      setBox({ height: element.clientHeight, columns: Math.max(10, Math.floor((element.clientWidth - PADDING_PX) / character)) });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const columns = wrap ? box.columns : 0;
  const rows: LogRows = useMemo(() => (columns > 0 ? rowsByWidth(lines, columns) : oneRowPerLine(lines)), [lines, columns]);
  // Bringing the rows up to date is idempotent: a second render in a row finds nothing new.
  const gone = useMemo(() => ({ rows: rows.sync(), version }), [rows, version]);
  const fullHeight = rows.count * ROW_PX;
  const height = Math.min(fullHeight, HEIGHT_LIMIT_PX);
  const scale = height > box.height ? (fullHeight - box.height) / (height - box.height) : 1;

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null) return;
    if (follow) element.scrollTop = element.scrollHeight;
    else if (gone.rows > 0) element.scrollTop = Math.max(0, element.scrollTop - (gone.rows * ROW_PX) / scale);
    setScrollTop(element.scrollTop);
  }, [follow, gone, height, scale, box.height]);

  useLayoutEffect(() => {
    const element = view.current;
    if (element !== null && element.scrollTop > 0) element.scrollTop = rows.firstRowOf(topLine.current) * ROW_PX;
    // Only when the way of breaking lines changes; the row's scale is 1 unless the log is huge, and then near enough.
  }, [rows]);

  useImperativeHandle(handle, () => ({
    toStart: () => view.current?.scrollTo({ top: 0 }),
    toEnd: () => view.current?.scrollTo({ top: view.current.scrollHeight }),
    toLine(line) {
      const top = (rows.firstRowOf(line) * ROW_PX - box.height / 2) / scale;
      view.current?.scrollTo({ top: Math.max(0, top) });
    },
  }));

  const onScroll = (): void => {
    const element = view.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.clientHeight - element.scrollTop < ROW_PX;
    // Going up means reading: let go. Coming back to the end means following again.
    if (atEnd && !follow) onFollow(true);
    else if (!atEnd && follow && element.scrollTop < lastTop.current) onFollow(false);
    lastTop.current = element.scrollTop;
    topLine.current = rows.row(Math.floor((element.scrollTop * scale) / ROW_PX)).line;
    setScrollTop(element.scrollTop);
  };
  useEffect(() => {
    lastTop.current = scrollTop;
  }, [scrollTop]);

  const topRow = (scrollTop * scale) / ROW_PX;
  const from = Math.max(0, Math.floor(topRow) - ROWS_BEYOND);
  const to = Math.min(rows.count, Math.ceil(topRow + box.height / ROW_PX) + ROWS_BEYOND);
  const shift = scrollTop - (topRow - from) * ROW_PX;
  return (
    <div ref={view} className={classes['view']} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label={label}>
      <span ref={ruler} className={classes['ruler']} aria-hidden>
        0123456789
      </span>
      <div className={classes['canvas']} style={{ height, width: wrap ? '100%' : `calc(${lines.widest}ch + ${PADDING_PX}px)` }}>
        <div className={classes['rows']} style={{ transform: `translateY(${shift}px)` }}>
          {Array.from({ length: Math.max(0, to - from) }, (_, index) => {
            const { line, from: start, text } = rows.row(from + index);
            return (
              <div key={`${line}:${start}`} className={`${classes['row']} ${line === currentLine ? classes['current'] : ''}`}>
                {search === null ? text : <Marked text={text} search={search} />}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Marked({ text, search }: { readonly text: string; readonly search: LogSearch }) {
  const ranges = search.ranges(text);
  if (ranges.length === 0) return text;
  return (
    <>
      {ranges.map(([start, end], index) => (
        <span key={start}>
          {text.slice(ranges[index - 1]?.[1] ?? 0, start)}
          <mark className={classes['hit']}>{text.slice(start, end)}</mark>
        </span>
      ))}
      {text.slice(ranges.at(-1)?.[1])}
    </>
  );
}
