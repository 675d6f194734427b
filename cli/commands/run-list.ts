import { listCommand } from '../commands-of-kind.ts';

export const runList = listCommand(null);
