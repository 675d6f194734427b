import { readAhead } from '#kit/read-ahead.ts';
import { describe, expect, it } from 'vitest';

/** Reads that end when they are told to. */
function reads() {
  const begun: number[] = [];
  const ends = new Map<number, (failure?: Error) => void>();
  const read = (item: number): Promise<string> =>
    new Promise((resolve, reject) => {
      begun.push(item);
      ends.set(item, (failure) => (failure === undefined ? resolve(`of ${item}`) : reject(failure)));
    });
  return { begun, read, end: (item: number, failure?: Error) => ends.get(item)?.(failure) };
}

describe('what is read before its turn', () => {
  it('comes in its order, whichever is there first', async () => {
    const { begun, read, end } = reads();
    const values = readAhead([1, 2, 3, 4], { items: 3, bytes: 100, bytesOf: () => 1 }, read);
    const first = values.next();
    expect(begun).toEqual([1, 2, 3]);
    end(3);
    end(2);
    end(1);
    expect((await first).value).toBe('of 1');
    expect((await values.next()).value).toBe('of 2');
    expect(begun, 'the next one as soon as there is room').toEqual([1, 2, 3, 4]);
    end(4);
    expect([(await values.next()).value, (await values.next()).value, (await values.next()).done]).toEqual(['of 3', 'of 4', true]);
  });

  it('is no more than the bytes allow, but always one', async () => {
    const { begun, read, end } = reads();
    const values = readAhead([500, 3, 4, 5, 6], { items: 10, bytes: 8, bytesOf: (size) => size }, read);
    const first = values.next();
    expect(begun).toEqual([500]);
    end(500);
    await first;
    const second = values.next();
    expect(begun).toEqual([500, 3, 4, 5]);
    end(3);
    expect((await second).value).toBe('of 3');
    await values.return();
  });

  it('fails in its turn, and is nobody’s failure when the reader has gone', async () => {
    const { read, end } = reads();
    const values = readAhead([1, 2, 3], { items: 3, bytes: 9, bytesOf: () => 1 }, read);
    const first = values.next();
    end(2, new Error('the second'));
    end(3, new Error('the third'));
    end(1);
    expect((await first).value).toBe('of 1');
    await expect(values.next()).rejects.toThrow('the second');
    expect((await values.next()).done).toBe(true);
  });
});
