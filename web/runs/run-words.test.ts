import type { Waiting } from '@sodate/contract/runs.ts';
import { describe, expect, it } from 'vitest';
import { createI18n } from '../kit/i18n/i18n.ts';
import { waitingWords } from './run-words.ts';

const RUN = { image: 'team/model:1', partition: null };
const node = { cpu: 8, memory: 32e9, gpus: 0 };
const waiting = (given: Partial<Waiting>): Waiting => ({
  reason: 'turn',
  message: 'as the server says it',
  ahead: 0,
  asked: { cpu: 16, memory: 1e9, gpus: 0 },
  limit: null,
  heldBy: [],
  ...given,
});

describe('why a run waits, in the language of the page', () => {
  it.each([
    [waiting({}), RUN, 'It is next.', '次に実行されます。'],
    [waiting({ ahead: 3 }), RUN, null, null],
    [waiting({ heldBy: ['training-3'] }), RUN, /has waited long .* goes first/, /長く待って/],
    [waiting({ reason: 'quota', limit: node }), RUN, /over the quota/, /割り当てを超えます/],
    [waiting({ reason: 'capacity', limit: node }), RUN, /largest has 8 CPU · 32 GB/, /CPU 8 · 32 GB/],
    [waiting({ reason: 'never-fits', limit: node }), RUN, /8 CPU .* Ask for less/, /CPU 8 .*要求を減らすか/],
    [waiting({ reason: 'no-node' }), RUN, /the image team\/model:1 now/, /イメージ team\/model:1 を/],
    [waiting({ reason: 'no-node' }), { ...RUN, partition: 'big' }, /the partition big runs the image/, /パーティション big に/],
  ] as const)('%j', async (why, run, english, japanese) => {
    for (const [language, expected] of [
      ['en', english],
      ['ja', japanese],
    ] as const) {
      const i18n = await createI18n(language);
      const said = waitingWords(why, run, i18n.t, language);
      if (expected === null) expect(said).toBeNull();
      else expect(said).toMatch(expected);
    }
  });
});
