import { Group, Paper, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './panel.module.css';

/** A titled part of a page in a frame of its own. */
export function Panel({ title, aside, children }: { readonly title: ReactNode; readonly aside?: ReactNode; readonly children: ReactNode }) {
  return (
    <Paper withBorder component="section" className={classes['panel'] ?? ''}>
      <Group justify="space-between" gap="xs" className={classes['head'] ?? ''}>
        <Title order={2} size="h5">
          {title}
        </Title>
        {aside}
      </Group>
      {children}
    </Paper>
  );
}
