import type { LineageOrigin } from '#lineage/lineage-store.ts';
import type { UsableParent } from '#runs/runs.ts';
import type { ResolvedGitSource } from '@sodate/contract/git.ts';

/** What a run comes from, as the ancestry graph stores it. The kinds choose among these. */
export const datasetOrigin = (dataset: { readonly id: string; readonly number: number; readonly name: string }): LineageOrigin => ({
  kind: 'dataset',
  id: dataset.id,
  label: `#${dataset.number} ${dataset.name}`,
  relation: 'input',
});

export const codeOrigin = (git: ResolvedGitSource): LineageOrigin => ({
  kind: 'commit',
  id: `${git.endpoint.id}:${git.repository}@${git.commit}`,
  label: `${git.endpoint.name}/${git.repository}@${git.commit.slice(0, 12)}`,
  relation: 'code',
});

export const parentOrigin = (parent: UsableParent): LineageOrigin => ({
  kind: 'run',
  id: parent.id,
  label: `${parent.kind}-${parent.number} ${parent.name}`,
  relation: 'parent',
});
