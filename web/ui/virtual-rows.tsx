import { useVirtualizer, useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import classes from './virtual-rows.module.css';

const ROWS_BEYOND = 8;

interface Rows {
  readonly count: number;
  /** Stable, so that a row keeps its state when others come before it. */
  readonly keyOf: (index: number) => string;
  /** A first guess in pixels; rows are measured. */
  readonly estimate: number;
  readonly row: (index: number) => ReactNode;
  /** The last row is near: more may be loaded. */
  readonly onEnd?: (() => void) | undefined;
  /** They are not the rows of a table. */
  readonly bare?: boolean;
  /** So many are drawn on either side of those that can be seen; fewer where each is tall and asks the server for something. */
  readonly beyond?: number;
}

/** As many rows as can be seen, of however many, in the page's own scroll. */
export function VirtualRows({ count, keyOf, estimate, row, onEnd, bare = false, beyond = ROWS_BEYOND }: Rows) {
  const place = useRef<HTMLDivElement>(null);
  const [scrollMargin, setScrollMargin] = useState(0);
  // What lies above may grow or go, such as a note of an error; the page's height then changes with it.
  useLayoutEffect(() => {
    const measure = (): void => setScrollMargin(Math.round((place.current?.getBoundingClientRect().top ?? 0) + window.scrollY));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);
  // oxlint-disable-next-line react/incompatible-library -- it changes while its functions stay the same; no compiler memoises here
  const virtual = useWindowVirtualizer({ count, estimateSize: () => estimate, overscan: beyond, scrollMargin, getItemKey: keyOf });
  const items = virtual.getVirtualItems();
  useEnd(items, count, onEnd);
  return (
    <div ref={place} className={classes['canvas']} style={{ height: virtual.getTotalSize() }} role={bare ? undefined : 'rowgroup'}>
      {items.map((item) => (
        <div
          key={item.key}
          ref={virtual.measureElement}
          data-index={item.index}
          className={`${classes['row']} ${item.index === count - 1 ? classes['last'] : ''}`}
          style={{ transform: `translateY(${item.start - scrollMargin}px)` }}
          role={bare ? undefined : 'presentation'}
        >
          {row(item.index)}
        </div>
      ))}
    </div>
  );
}

/** The same in a box of its own that scrolls. */
export function VirtualBox({ count, keyOf, estimate, row, onEnd, label }: Rows & { readonly label: string }) {
  const box = useRef<HTMLDivElement>(null);
  // oxlint-disable-next-line react/incompatible-library -- as above
  const virtual = useVirtualizer({ count, getScrollElement: () => box.current, estimateSize: () => estimate, overscan: ROWS_BEYOND, getItemKey: keyOf });
  const items = virtual.getVirtualItems();
  useEnd(items, count, onEnd);
  return (
    <div ref={box} className={classes['box']} role="group" aria-label={label} tabIndex={0}>
      <div className={classes['canvas']} style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => (
          <div
            key={item.key}
            ref={virtual.measureElement}
            data-index={item.index}
            className={classes['row']}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            {row(item.index)}
          </div>
        ))}
      </div>
    </div>
  );
}

function useEnd(items: readonly VirtualItem[], count: number, onEnd: (() => void) | undefined): void {
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (count > 0 && last >= count - 1) onEnd?.();
  }, [last, count, onEnd]);
}
