import { listCommand } from '../commands-of-kind.ts';

export const trainingList = listCommand('training');
