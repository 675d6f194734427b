/** Columns of the list of runs besides name and state, in their order. */
export const RUN_COLUMNS = ['value', 'started', 'duration', 'createdBy', 'tags', 'resources', 'image', 'node', 'created', 'exitCode'] as const;
export type RunColumn = (typeof RUN_COLUMNS)[number];
