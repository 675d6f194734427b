import { z } from 'zod';

export const SERIES_KINDS = ['scalar', 'histogram', 'image', 'text'] as const;
export const SeriesKind = z.enum(SERIES_KINDS);
export type SeriesKind = z.infer<typeof SeriesKind>;
