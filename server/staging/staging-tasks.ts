import { copyTree } from '#staging/copy-tree.ts';
import { makeEntryFolders } from '#staging/make-entry-folders.ts';
import { removeTree } from '#staging/remove-tree.ts';

/** What a staging worker can do. Arguments must survive being sent to a thread. */
export const STAGING_TASKS = { copyTree, makeEntryFolders, removeTree };
export type StagingTasks = typeof STAGING_TASKS;

export interface TaskOrder {
  readonly number: number;
  readonly task: keyof StagingTasks;
  readonly args: readonly unknown[];
}

export interface TaskReport {
  readonly number: number;
  /** null when it went well. */
  readonly error: { readonly message: string; readonly code: string | null } | null;
}
