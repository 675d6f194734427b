import { z } from 'zod';

/** What a run that goes on outside of the platform shows beyond what all runs have. */
export const TrackedDetails = z.object({
  kind: z.literal('tracked'),
  experiment: z.object({ number: z.number().int(), name: z.string() }),
});
