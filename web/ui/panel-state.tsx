import { Skeleton, Text } from '@mantine/core';
import { ErrorPanel } from './error-panel.tsx';

/** What a part of a page shows while it has nothing to show: loading, an error, or that there is nothing. */
export function PanelState({
  query,
  empty,
}: {
  readonly query: { readonly isPending: boolean; readonly error: unknown; refetch(): unknown };
  /** Said when it is loaded and there is nothing; null when there is something. */
  readonly empty: string | null;
}) {
  if (query.error !== null) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />;
  if (query.isPending) return <Skeleton h={120} />;
  return empty === null ? null : (
    <Text size="sm" c="dimmed">
      {empty}
    </Text>
  );
}
