import { showCommand } from '../commands-of-kind.ts';

export const taskShow = showCommand('task');
