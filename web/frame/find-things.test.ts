import { describe, expect, it } from 'vitest';
import { readWish } from './find-things.ts';

describe('what is asked for', () => {
  it.each([
    ['12', { number: 12, kind: null, name: '12' }],
    ['#7', { number: 7, kind: null, name: '#7' }],
    ['training-12', { number: 12, kind: 'training', name: 'training-12' }],
    ['Inference 3', { number: 3, kind: 'inference', name: 'Inference 3' }],
    ['epoch-12', { number: null, kind: null, name: 'epoch-12' }],
    ['0', { number: null, kind: null, name: null }],
    ['  数字 ', { number: null, kind: null, name: '数字' }],
    ['d', { number: null, kind: null, name: null }],
    ['', { number: null, kind: null, name: null }],
  ] as const)('%j', (text, expected) => {
    expect(readWish(text)).toEqual(expected);
  });
});
