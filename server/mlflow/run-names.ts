import { randomInt } from 'node:crypto';

const HOW = [
  'quiet',
  'bright',
  'patient',
  'early',
  'steady',
  'gentle',
  'keen',
  'mossy',
  'northern',
  'wandering',
  'silver',
  'hidden',
  'sunlit',
  'brave',
  'plain',
  'slow',
];
const WHAT = ['maple', 'cedar', 'fern', 'bamboo', 'plum', 'willow', 'ginkgo', 'lotus', 'iris', 'pine', 'camellia', 'clover', 'reed', 'birch', 'azalea', 'moss'];

/** For a run that nobody gave a name. */
export const inventRunName = (): string => `${HOW[randomInt(HOW.length)]}-${WHAT[randomInt(WHAT.length)]}-${randomInt(100, 1000)}`;
