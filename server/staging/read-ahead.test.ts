import { readAhead } from '#staging/read-ahead.ts';
import { describe, expect, it } from 'vitest';

async function* count(to: number, ended: () => void): AsyncIterable<number> {
  try {
    for (let n = 0; n < to; n += 1) yield n;
  } finally {
    ended();
  }
}

describe('reading ahead', () => {
  it.each([0, 1, 3_999, 4_000, 4_001, 9_000])('gives %i items as they come', async (to) => {
    const seen: number[] = [];
    for await (const item of readAhead(count(to, () => {}))) seen.push(item);
    expect(seen).toEqual(Array.from({ length: to }, (_, n) => n));
  });

  it('hands on what the source throws', async () => {
    async function* breaks(): AsyncIterable<number> {
      for (let n = 0; n < 5_000; n += 1) yield n;
      throw new Error('gone');
    }
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of readAhead(breaks())) seen.push(item);
      })(),
    ).rejects.toThrow('gone');
    expect(seen.length).toBeLessThanOrEqual(5_000);
  });

  it('ends the source when the reader stops', async () => {
    let ended = 0;
    for await (const item of readAhead(
      count(20_000, () => {
        ended += 1;
      }),
    ))
      if (item === 10) break;
    expect(ended).toBe(1);
  });
});
