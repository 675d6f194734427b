import { inGroups } from '#kit/in-groups.ts';
import { describe, expect, it } from 'vitest';

/** A work whose groups end when the test says so. */
function makeHeldWork() {
  const groups: { readonly asks: readonly string[]; readonly end: (how?: Error) => void }[] = [];
  const heard: (() => void)[] = [];
  const work = (asks: readonly string[]): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      groups.push({ asks, end: (how) => (how === undefined ? resolve(asks.map((ask) => ask.toUpperCase())) : reject(how)) });
      heard.splice(0).forEach((tell) => tell());
    });
  const group = async (nth: number) => {
    while (groups[nth] === undefined) await new Promise<void>((resolve) => heard.push(resolve));
    return groups[nth] as (typeof groups)[number];
  };
  return { work, group, groups };
}

const together = { laneOf: (ask: string) => ask.charAt(0), weightLimit: 4, weightOf: (ask: string) => ask.length - 1 };

describe('inGroups', () => {
  it('gathers what comes while a group is under way, and answers each with its own', async () => {
    const { work, group, groups } = makeHeldWork();
    const ask = inGroups(together, work);
    const first = ask('a1');
    expect((await group(0)).asks).toEqual(['a1']);
    const later = [ask('a2'), ask('a3')];
    expect(groups).toHaveLength(1);
    (await group(0)).end();
    expect(await first).toBe('A1');
    expect((await group(1)).asks).toEqual(['a2', 'a3']);
    (await group(1)).end();
    expect(await Promise.all(later)).toEqual(['A2', 'A3']);
    const alone = ask('a4');
    (await group(2)).end();
    expect(await alone).toBe('A4');
  });

  it('lets no lane wait for another', async () => {
    const { work, group } = makeHeldWork();
    const ask = inGroups(together, work);
    const slow = ask('a1');
    await group(0);
    const quick = ask('b1');
    (await group(1)).end();
    expect(await quick).toBe('B1');
    (await group(0)).end();
    expect(await slow).toBe('A1');
  });

  it('makes no group heavier than its limit, unless one ask alone is', async () => {
    const { work, group } = makeHeldWork();
    const ask = inGroups(together, work);
    const all = ['a12', 'a34', 'a5', 'a678901', 'a2'].map((each) => ask(each));
    for (const [nth, expected] of [['a12', 'a34'], ['a5'], ['a678901'], ['a2']].entries()) {
      const { asks, end } = await group(nth);
      expect(asks).toEqual(expected);
      end();
    }
    expect(await Promise.all(all)).toEqual(['A12', 'A34', 'A5', 'A678901', 'A2']);
  });

  it('fails those of a group that fails, and goes on with the next', async () => {
    const { work, group } = makeHeldWork();
    const ask = inGroups(together, work);
    const failing = Promise.allSettled([ask('a1'), ask('a2')]);
    await group(0);
    const next = ask('a3');
    (await group(0)).end(new Error('the database is away'));
    expect((await failing).map((result) => result.status === 'rejected' && String(result.reason))).toEqual(Array(2).fill('Error: the database is away'));
    (await group(1)).end();
    expect(await next).toBe('A3');
  });

  it('does each by itself when a group failed for what may be about one of it', async () => {
    const { work, group } = makeHeldWork();
    const ask = inGroups({ ...together, mayBeAboutOne: (error) => String(error).includes('one of you') }, work);
    const all = Promise.allSettled([ask('a1'), ask('a2'), ask('a3')]);
    (await group(0)).end(new Error('one of you is wrong'));
    for (const nth of [1, 2, 3]) {
      const { asks, end } = await group(nth);
      end(asks[0] === 'a2' ? new Error('one of you is wrong, and alone') : undefined);
    }
    expect((await all).map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
      'A1',
      'Error: one of you is wrong, and alone',
      'A3',
    ]);
  });
});
