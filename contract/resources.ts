import { z } from 'zod';

/** What a run asks for. CPU in cores, fractions allowed down to a thousandth; memory in bytes; whole GPUs. */
export const Resources = z.strictObject({
  cpu: z
    .number()
    .min(0.001)
    .max(4096)
    .transform((cores) => Math.round(cores * 1000) / 1000),
  memory: z.number().int().min(1_000_000, 'at least 1,000,000 bytes').max(64e12),
  gpus: z.number().int().min(0).max(1024).default(0),
});
export type Resources = z.infer<typeof Resources>;

export const DEFAULT_RESOURCES: Resources = { cpu: 1, memory: 1_000_000_000, gpus: 0 };

/** What a run has. Nothing at all where it goes on outside of the platform. */
export const OccupiedResources = z.object({ cpu: z.number().min(0), memory: z.number().int().min(0), gpus: z.number().int().min(0) });
