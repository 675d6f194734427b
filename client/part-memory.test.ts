import { expect, test } from 'vitest';
import { makePartMemory, type TakeMemory } from './part-memory.ts';

test('memory is used again when its user is done, also after a failure, and never by two at once', async () => {
  const memory = makePartMemory();
  const used: Uint8Array[] = [];
  const note = async (take: TakeMemory): Promise<void> => void used.push(take());
  await memory.use(100, note);
  await memory.use(50, note);
  expect(used[1]).toBe(used[0]);

  await expect(memory.use(100, async (take) => Promise.reject(new Error(`no, ${take().length}`)))).rejects.toThrow('no, 100');
  await memory.use(100, (outer) => memory.use(100, async (inner) => expect(inner()).not.toBe(outer())));
  await memory.use(200, note);
  expect(used[2]?.length).toBe(200);
});

test('whoever takes none leaves it to the next', async () => {
  const memory = makePartMemory();
  const first = await memory.use(100, async (take) => [take(), take()] as const);
  expect(first[0]).toBe(first[1]);
  await memory.use(1_000, async () => {});
  expect(await memory.use(100, async (take) => take())).toBe(first[0]);
});
