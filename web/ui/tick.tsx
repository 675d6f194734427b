import { Checkbox } from '@mantine/core';
import { type ChangeEvent, useEffect, useRef } from 'react';
import classes from './tick.module.css';

const HOOK = 'M4 4.586L1.707 2.293A1 1 0 1 0 .293 3.707l3 3a.997.997 0 0 0 1.414 0l5-5A1 1 0 1 0 8.293.293L4 4.586z';

/** A checkbox of a row, without a label to be seen: looks like Mantine's by its classes, without the six components that that is made of. */
export function Tick({
  label,
  checked,
  some = false,
  onChange,
}: {
  readonly label: string;
  readonly checked: boolean;
  /** Some of those it stands for are ticked, not all. */
  readonly some?: boolean;
  /** `range` when Shift was held. */
  readonly onChange: (range: boolean) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current !== null) input.current.indeterminate = some;
  }, [some]);
  const { inner, input: box, icon } = Checkbox.classes;
  const change = ({ nativeEvent }: ChangeEvent): void => onChange(nativeEvent instanceof MouseEvent && nativeEvent.shiftKey);
  return (
    <span className={`${Checkbox.classes.root} ${classes['tick']}`}>
      <span className={`${inner} ${classes['inner']}`}>
        <input
          ref={input}
          type="checkbox"
          className={`mantine-focus-auto ${box}`}
          data-indeterminate={some || undefined}
          aria-label={label}
          checked={checked}
          onChange={change}
        />
        <svg className={icon} viewBox={some ? '0 0 32 6' : '0 0 10 7'} fill="none" aria-hidden>
          {some ? <rect width="32" height="6" rx="3" fill="currentColor" /> : <path d={HOOK} fill="currentColor" fillRule="evenodd" clipRule="evenodd" />}
        </svg>
      </span>
    </span>
  );
}
