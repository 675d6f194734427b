import { listCommand } from '../commands-of-kind.ts';

export const inferenceList = listCommand('inference');
