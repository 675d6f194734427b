import { Tooltip } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';

const OPENS_AFTER_MS = 300;

/**
 * A tooltip that is made when the pointer rests on what it explains. Mantine's own is there from the beginning, with its
 * listeners and its reckoning of places, for each of a hundred rows.
 */
export function Hint({ label, children }: { readonly label: () => string; readonly children: ReactNode }) {
  const place = useRef<HTMLSpanElement>(null);
  const [over, setOver] = useState(false);
  return (
    <span
      ref={place}
      onPointerEnter={(event) => {
        if (event.pointerType === 'mouse') setOver(true);
      }}
      onPointerLeave={() => setOver(false)}
      onPointerDown={() => setOver(false)}
    >
      {children}
      {over && <Opening place={place} label={label()} />}
    </span>
  );
}

function Opening({ place, label }: { readonly place: { readonly current: HTMLSpanElement | null }; readonly label: string }) {
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setOpened(true), OPENS_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return <Tooltip target={place} label={label} opened={opened} />;
}
