import { decimal, type Input, value, wholeNumber } from './command.ts';
import { formatBytes, parseBytes } from './output/bytes.ts';

export const cpuOption = (meaning: string): Input<number | undefined> => decimal('--cpu <cores>', `${meaning}, fractions allowed: 0.5`);
export const memoryOption = (meaning: string): Input<number | undefined> =>
  value('--memory <size>', `${meaning}: 512M, 2G, 2Gi (G is 10^9 bytes, Gi is 2^30)`, 'a size such as 512M or 2G', parseBytes);
export const gpusOption = (meaning: string): Input<number | undefined> => wholeNumber('--gpus <count>', meaning);

/** `all` lifts the restriction. */
export const executorsOption = (): Input<{ readonly names: string[] | null } | undefined> =>
  value('--executors <names>', 'executors its runs may use, separated by commas; all for no restriction', 'a list of names such as local,docker', (given) =>
    given === 'all' ? { names: null } : /^[a-z][a-z0-9-]*(,[a-z][a-z0-9-]*)*$/.test(given) ? { names: given.split(',') } : null,
  );

export const formatResources = (resources: { readonly cpu: number; readonly memory: number; readonly gpus: number }): string =>
  `${resources.cpu} CPU, ${formatBytes(resources.memory)}${resources.gpus === 0 ? '' : `, ${resources.gpus} GPU`}`;
