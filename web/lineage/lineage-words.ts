import type { LineageKind } from '@sodate/contract/lineage.ts';
import { IconDatabase, IconGitCommit, IconPlayerPlay, IconStack2 } from '@tabler/icons-react';

export const KIND_ICONS = { data: IconStack2, dataset: IconDatabase, run: IconPlayerPlay, commit: IconGitCommit } as const;

const FOLDERS = { data: 'data', dataset: 'datasets', run: 'runs' } as const;

/** The address of a thing's page; null for commits and for what is deleted. */
export const pageOfThing = (tenant: string, thing: { readonly kind: LineageKind; readonly id: string; readonly deleted: boolean }): string | null =>
  thing.deleted || thing.kind === 'commit' ? null : `/tenants/${tenant}/${FOLDERS[thing.kind]}/${thing.id}`;
