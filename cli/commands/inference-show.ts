import { showCommand } from '../commands-of-kind.ts';

export const inferenceShow = showCommand('inference');
