import type { JobCommand } from '#executors/executor.ts';
import type { Command } from '@sodate/contract/runs.ts';

/** A text is a script, a list is executed as it is. */
export const toJobCommand = (command: Command): JobCommand =>
  typeof command === 'string' ? { kind: 'script', text: command } : { kind: 'list', argv: command };
