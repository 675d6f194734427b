import { Anchor, useComputedColorScheme } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { lineStyle } from './line-colours.ts';
import classes from './run-key.module.css';

/** Which colour is which run. */
export function RunKey({
  tenant,
  run,
  index,
}: {
  readonly tenant: string;
  readonly run: { readonly kind: string; readonly number: number; readonly name: string };
  readonly index: number;
}) {
  const { colour, dash } = lineStyle(index, useComputedColorScheme('light'));
  const reference = `${run.kind}-${run.number}`;
  return (
    <span className={classes['key']}>
      <svg width="18" height="8" aria-hidden className={classes['swatch']}>
        <line x1="0" x2="18" y1="4" y2="4" stroke={colour} strokeWidth="3" strokeDasharray={dash?.join(' ')} />
      </svg>
      <Anchor inherit component={Link} to={`/tenants/${tenant}/runs/${reference}`} title={`${reference} ${run.name}`} className={classes['name'] ?? ''}>
        {run.name}
      </Anchor>
    </span>
  );
}
