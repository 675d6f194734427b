import { forEachOf } from '@sodate/client/for-each-of.ts';

/** So many requests at once: enough to hide the way, few enough to leave the page its connections. */
const AT_ONCE = 3;

export interface EachResult<Thing> {
  readonly done: readonly Thing[];
  readonly refused: readonly { readonly thing: Thing; readonly error: unknown }[];
}

/** Does something to each of many; one refusal does not keep the others from it. */
export async function eachThing<Thing>(things: readonly Thing[], act: (thing: Thing) => Promise<unknown>): Promise<EachResult<Thing>> {
  const done: Thing[] = [];
  const refused: { thing: Thing; error: unknown }[] = [];
  await forEachOf(things, AT_ONCE, undefined, async (thing) => {
    try {
      await act(thing);
      done.push(thing);
    } catch (error) {
      refused.push({ thing, error });
    }
  });
  return { done, refused };
}
