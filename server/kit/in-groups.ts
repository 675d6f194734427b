export interface GroupRules<Ask> {
  /** Asks of one lane are done one group after another; lanes do not wait for each other. */
  readonly laneOf: (ask: Ask) => string;
  /** What a group may weigh; one ask that weighs more is a group by itself. */
  readonly weightLimit: number;
  readonly weightOf: (ask: Ask) => number;
  /** Whether an error with which a group failed may be about one of it: then each is done by itself, so that work must be good to do again. */
  readonly mayBeAboutOne?: (error: unknown) => boolean;
}

interface Waiting<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Lets what is asked for at the same time be done together, where doing it for many costs little more than for one: a commit
 * waits for the disk, a statement for two processes to wake up. Nobody waits for company: an ask goes at once, and what comes
 * while a group is under way is the next one. Each is answered when its own group is done, and not before.
 * @param work answers in the order of the asks; when it throws, each ask of the group fails with that, unless `mayBeAboutOne`
 */
export function inGroups<Ask, Answer>(
  { laneOf, weightLimit, weightOf, mayBeAboutOne = () => false }: GroupRules<Ask>,
  work: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): (ask: Ask) => Promise<Answer> {
  const lanes = new Map<string, Waiting<Ask, Answer>[]>();

  const takeGroup = (waiting: Waiting<Ask, Answer>[]): readonly Waiting<Ask, Answer>[] => {
    let weight = 0;
    const tooMuch = waiting.findIndex(({ ask }, at) => (weight += weightOf(ask)) > weightLimit && at > 0);
    return waiting.splice(0, tooMuch === -1 ? waiting.length : tooMuch);
  };

  const answer = async (group: readonly Waiting<Ask, Answer>[]): Promise<void> => {
    const answers = await work(group.map(({ ask }) => ask));
    if (answers.length !== group.length) throw new Error(`A group of ${group.length} was given ${answers.length} answers`);
    group.forEach(({ resolve }, at) => resolve(answers[at] as Answer));
  };

  const run = async (lane: string, waiting: Waiting<Ask, Answer>[]): Promise<void> => {
    // What came with the same look at the sockets belongs to the first group.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const group = takeGroup(waiting);
      await answer(group).catch(async (error: unknown) => {
        if (group.length > 1 && mayBeAboutOne(error)) await Promise.all(group.map((one) => answer([one]).catch(one.reject)));
        else for (const { reject } of group) reject(error);
      });
    }
    lanes.delete(lane);
  };

  return (ask) =>
    new Promise((resolve, reject) => {
      const lane = laneOf(ask);
      const known = lanes.get(lane);
      if (known !== undefined) return void known.push({ ask, resolve, reject });
      const waiting = [{ ask, resolve, reject }];
      lanes.set(lane, waiting);
      void run(lane, waiting);
    });
}
