import { forEachTogether } from '#kit/for-each-together.ts';
import { expect, it } from 'vitest';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('does all of it, never more than the limit at once', async () => {
  const done: number[] = [];
  let now = 0;
  let most = 0;
  await forEachTogether(
    Array.from({ length: 20 }, (_, index) => index),
    3,
    async (thing) => {
      most = Math.max(most, (now += 1));
      await turn();
      done.push(thing);
      now -= 1;
    },
  );
  expect(done).toHaveLength(20);
  expect(most).toBe(3);
});

it('begins nothing more after a failure, and ends when what was begun has', async () => {
  const done: number[] = [];
  const work = forEachTogether([1, 2, 3, 4, 5], 2, async (thing) => {
    if (thing === 1) throw new Error('the first');
    await turn();
    done.push(thing);
  });
  await expect(work).rejects.toThrow('the first');
  expect(done).toEqual([2]);
});
