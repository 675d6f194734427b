import type { Client } from '@sodate/client/make-client.ts';
import { getLineage, type LineageKind } from '@sodate/contract/lineage.ts';
import { queryOptions } from '@tanstack/react-query';

/** What one looks from. */
export interface LineageRoot {
  readonly kind: LineageKind;
  readonly id: string;
  readonly label: string;
}

/** Lies under its thing's key, so that a change of the thing refreshes it. */
export const lineageQuery = (client: Client, tenant: string, root: Omit<LineageRoot, 'label'>, direction: 'ancestors' | 'descendants') =>
  queryOptions({
    queryKey: [tenant, root.kind, root.id, 'lineage', direction],
    queryFn: ({ signal }) => client.call(getLineage, { params: { tenant, kind: root.kind, id: root.id }, query: { direction }, signal }),
  });
