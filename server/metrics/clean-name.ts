import { NAME_BYTES_LIMIT } from '#metrics/metric-limits.ts';

/**
 * A name of a series or parameter as it can be stored: PostgreSQL's text has no NUL and no half of a surrogate pair.
 * @returns null for one that is empty or too long
 */
export function cleanName(name: string, limitBytes = NAME_BYTES_LIMIT): string | null {
  // Each character has a byte at least, so that a name of megabytes is not looked at in full.
  if (name === '' || name.length > limitBytes) return null;
  const clean = cleanText(name);
  return Buffer.byteLength(clean) > limitBytes ? null : clean;
}

export const cleanText = (text: string): string => text.replaceAll('\u0000', '\uFFFD').replaceAll(/\p{Surrogate}/gu, '\uFFFD');
