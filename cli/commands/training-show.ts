import { showCommand } from '../commands-of-kind.ts';

export const trainingShow = showCommand('training');
