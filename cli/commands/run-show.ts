import { showCommand } from '../commands-of-kind.ts';

export const runShow = showCommand(null);
