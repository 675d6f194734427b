import { z } from 'zod';
import { AttemptId } from '@sodate/contract/ids.ts';

export const DockerHandle = z.object({
  attempt: AttemptId,
  /** The container's id, for people; null where none had been made yet. It is always found by its name. */
  container: z.string().nullable(),
  imageDigest: z.string().nullable(),
});
export type DockerHandle = z.infer<typeof DockerHandle>;
