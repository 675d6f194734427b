import { usageError } from './cli-error.ts';

/** A range longer than this is a slip of the finger. */
const LONGEST_RANGE = 100_000;

/** `3,5,8-12,#20` and ids, as often as the option was given, in that order. */
export function parseReferences(flags: string, texts: readonly string[]): string[] {
  return texts
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .flatMap((text) => {
      const range = /^#?(\d{1,15})-#?(\d{1,15})$/.exec(text);
      if (range === null) return [text];
      const [from, to] = [Number(range[1]), Number(range[2])];
      if (to < from || to - from >= LONGEST_RANGE) throw usageError(`${flags}: "${text}" is not a range from a smaller to a larger number.`);
      return Array.from({ length: to - from + 1 }, (_nothing, index) => String(from + index));
    });
}
