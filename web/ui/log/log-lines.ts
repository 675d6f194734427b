import { readableLine, textWidth } from './log-text.ts';

/** The page keeps at most this many lines; older ones give way. A line of 60 characters costs about 80 bytes. */
export const LOG_LINES_LIMIT = 1_000_000;
/** And at most this many characters, for logs with long lines. */
export const LOG_CHARACTERS_LIMIT = 150_000_000;
/** A longer line is broken, so that one row stays cheap to draw. */
export const LINE_CHARACTERS_LIMIT = 10_000;
/** Removing from the front of an array copies it: 1 ms for a million lines, so it is done once per this many. */
const COMPACT_AFTER = 50_000;

/**
 * The lines of a log as they arrive. Lines have absolute numbers from `first` (inclusive) to `end` (exclusive); when the
 * limits are reached the oldest disappear and `first` grows. The last line may still be unfinished.
 */
export interface LogLines {
  readonly first: number;
  readonly end: number;
  /** Width of the widest line so far, in columns. */
  readonly widest: number;
  /** The text of a line that is held, else an empty one. */
  text(line: number): string;
  /** Adds text as written by the job, in pieces of any kind. */
  append(raw: string): void;
}

export function createLogLines(
  limits: { readonly lines: number; readonly characters: number } = { lines: LOG_LINES_LIMIT, characters: LOG_CHARACTERS_LIMIT },
): LogLines {
  let held: string[] = [];
  /** Index in `held` of the line numbered `first`. */
  let head = 0;
  let first = 0;
  let characters = 0;
  let widest = 0;
  /** The unfinished last line as written; its readable form is the last of `held` when this is not empty. */
  let open = '';

  const push = (raw: string): void => {
    const text = readableLine(raw);
    held.push(text);
    characters += text.length;
    widest = Math.max(widest, textWidth(text));
  };
  const finishOpen = (): void => {
    if (open === '') return;
    characters -= held.pop()?.length ?? 0;
    open = '';
  };
  const trim = (): void => {
    while (held.length - head > limits.lines || (characters > limits.characters && held.length - head > 1)) {
      characters -= held[head]?.length ?? 0;
      held[head] = '';
      head += 1;
      first += 1;
    }
    if (head < COMPACT_AFTER) return;
    held = held.slice(head);
    head = 0;
  };

  return {
    get first() {
      return first;
    },
    get end() {
      return first + held.length - head;
    },
    get widest() {
      return widest;
    },
    text: (line) => (line < first ? '' : (held[line - first + head] ?? '')),
    append(raw) {
      if (raw === '') return;
      const parts = (open + raw).split('\n');
      finishOpen();
      let last = parts.pop() ?? '';
      for (const part of parts) {
        if (part.length <= LINE_CHARACTERS_LIMIT) push(part);
        else for (let at = 0; at < part.length; at += LINE_CHARACTERS_LIMIT) push(part.slice(at, at + LINE_CHARACTERS_LIMIT));
      }
      for (; last.length > LINE_CHARACTERS_LIMIT; last = last.slice(LINE_CHARACTERS_LIMIT)) push(last.slice(0, LINE_CHARACTERS_LIMIT));
      if (last !== '') {
        open = last;
        push(last);
      }
      trim();
    },
  };
}
