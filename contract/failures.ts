import { z } from 'zod';
import { RunWords } from './run-words.ts';

/** Whose fault a failure is, as shown to people: `user` = the job or its request, `platform` = what Sodate runs on. */
interface FailureClassEntry {
  readonly fault: 'user' | 'platform';
  /** How many times a run is tried again by itself after this failure; each class has its own budget. */
  readonly automaticRetries: number;
  /** What to try, for people. */
  readonly advice: string;
}

/** Why an attempt failed: one closed list, the same for every executor and every kind of run. */
export const FAILURE_CLASSES = {
  'user-error': { fault: 'user', automaticRetries: 0, advice: 'The command ended with an error. Read the end of the log.' },
  'out-of-memory': { fault: 'user', automaticRetries: 0, advice: 'The job used more memory than it asked for. Ask for more memory, or use less.' },
  'time-limit': {
    fault: 'user',
    automaticRetries: 0,
    advice: 'The job ran longer than its time limit. Raise the limit, or save progress and continue from it.',
  },
  'disk-limit': { fault: 'user', automaticRetries: 0, advice: 'The job wrote more than it may. Write less, or remove intermediate files.' },
  'image-pull': { fault: 'user', automaticRetries: 0, advice: 'The image could not be had. Check its name, tag and the registry credential.' },
  preempted: { fault: 'platform', automaticRetries: 10, advice: 'The job had to make room. It is tried again by itself.' },
  'node-lost': {
    fault: 'platform',
    automaticRetries: 3,
    advice: 'The process vanished with its machine or was killed from outside. It is tried again by itself.',
  },
  platform: {
    fault: 'platform',
    automaticRetries: 3,
    advice: 'The platform could not start or finish the job. It is tried again by itself; the server log has the details.',
  },
} as const satisfies Record<string, FailureClassEntry>;

export const FailureClass = z.enum(Object.keys(FAILURE_CLASSES) as [keyof typeof FAILURE_CLASSES]);
export type FailureClass = z.infer<typeof FailureClass>;

export const Failure = z.object({
  class: FailureClass,
  fault: z.enum(['user', 'platform']),
  message: z.string(),
  /** What `message` says, for a page in another language; null for what was written before there were codes. */
  words: RunWords.nullable(),
  advice: z.string(),
});
