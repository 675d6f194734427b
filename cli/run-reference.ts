import type { RunKindName } from '@sodate/contract/runs.ts';
import { type Input, needed } from './command.ts';

export const runArgument: Input<string> = needed('<run>', 'such as training-12, or an id');

/** Under a kind's noun the number alone is enough: `training show 12`. */
export const runOfKind = (kind: RunKindName, given: string): string => (/^#?\d+$/.test(given) ? `${kind}-${given.replace('#', '')}` : given);
