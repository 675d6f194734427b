import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './setting-list.module.css';

/** Things that are administered, one a row: what it is, what there is to know, what can be done. */
export function SettingList({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <ul className={classes['list']} aria-label={label}>
      {children}
    </ul>
  );
}

export function SettingRow({
  title,
  note,
  badges,
  children,
}: {
  readonly title: ReactNode;
  readonly note?: ReactNode;
  readonly badges?: ReactNode;
  readonly children?: ReactNode;
}) {
  return (
    <li className={classes['row']}>
      <div className={classes['text']}>
        <Group gap={8}>
          <Text size="sm" fw={550} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Text>
          {badges}
        </Group>
        {note !== undefined && (
          <Text size="xs" c="dimmed" component="div" style={{ overflowWrap: 'anywhere' }}>
            {note}
          </Text>
        )}
      </div>
      <Group gap={6}>{children}</Group>
    </li>
  );
}
