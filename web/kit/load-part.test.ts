import { expect, it } from 'vitest';
import { loadPart } from './load-part.ts';

/** Fails so often, then answers. */
function failing(times: number): { readonly load: () => Promise<string>; calls(): number } {
  let calls = 0;
  return {
    load: () => {
      calls += 1;
      return calls <= times ? Promise.reject(new Error(`try ${calls}`)) : Promise.resolve('there');
    },
    calls: () => calls,
  };
}

it.each([0, 1, 2])('fetches a part that was broken off %i times', async (times) => {
  const part = failing(times);
  expect(await loadPart(part.load, [0, 0])).toBe('there');
  expect(part.calls()).toBe(times + 1);
});

it('gives up after the last try, with what that one said', async () => {
  const part = failing(9);
  await expect(loadPart(part.load, [0, 0])).rejects.toThrow('try 3');
  expect(part.calls()).toBe(3);
});
