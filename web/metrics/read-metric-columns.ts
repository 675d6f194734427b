import { AnyMetricName } from '@sodate/contract/metric-number.ts';
import { z } from 'zod';

export const METRIC_COLUMNS_LIMIT = 20;

const Remembered = z.array(AnyMetricName);

/** What a device remembered, as JSON; nothing where it is not readable. */
export function readMetricColumns(text: string | null): readonly string[] {
  try {
    return Remembered.parse(JSON.parse(text ?? '[]')).slice(0, METRIC_COLUMNS_LIMIT);
  } catch {
    return [];
  }
}
