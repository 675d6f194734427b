import { listCommand } from '../commands-of-kind.ts';

export const taskList = listCommand('task');
