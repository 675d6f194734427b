import { decimal, type Input, value, wholeNumber } from './command.ts';
import { formatBytes, parseBytes } from './output/bytes.ts';

export const cpuOption = (meaning: string): Input<number | undefined> => decimal('--cpu <cores>', `${meaning}, fractions allowed: 0.5`);
export const memoryOption = (meaning: string): Input<number | undefined> =>
  value('--memory <size>', `${meaning}: 512M, 2G, 2Gi (G is 10^9 bytes, Gi is 2^30)`, 'a size such as 512M or 2G', parseBytes);
export const gpusOption = (meaning: string): Input<number | undefined> => wholeNumber('--gpus <count>', meaning);

export const formatResources = (resources: { readonly cpu: number; readonly memory: number; readonly gpus: number }): string =>
  `${resources.cpu} CPU, ${formatBytes(resources.memory)}${resources.gpus === 0 ? '' : `, ${resources.gpus} GPU`}`;
