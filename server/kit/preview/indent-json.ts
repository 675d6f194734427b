const INDENT = 2;
/** Deeper than this the indentation grows no further: ten thousand brackets would otherwise become 200 MB of spaces. */
const DEPTH_SHOWN = 20;

/**
 * Indents JSON, also the beginning of one, without reading it: numbers, escapes and the order of keys stay as written, and
 * what is not JSON stays what it is.
 * @param limit characters, after which it stops
 */
export function indentJson(text: string, limit: number): { readonly text: string; readonly cut: boolean } {
  const out: string[] = [];
  let depth = 0;
  let length = 0;
  const add = (piece: string): void => {
    out.push(piece);
    length += piece.length;
  };
  const line = (): void => add(`\n${' '.repeat(Math.min(depth, DEPTH_SHOWN) * INDENT)}`);
  let at = 0;
  for (; at < text.length && length <= limit; at += 1) {
    const character = text[at] ?? '';
    if (character === '"') {
      const end = endOfString(text, at);
      add(text.slice(at, end));
      at = end - 1;
    } else if (/\s/.test(character)) continue;
    else if (character === '{' || character === '[') {
      add(character);
      const next = /\S/g;
      next.lastIndex = at + 1;
      const closing = next.exec(text);
      // Nothing in it: the two stay together.
      if (closing !== null && closing[0] === (character === '{' ? '}' : ']')) {
        add(closing[0]);
        at = closing.index;
      } else {
        depth += 1;
        line();
      }
    } else if (character === '}' || character === ']') {
      depth = Math.max(0, depth - 1);
      line();
      add(character);
    } else if (character === ',') {
      add(character);
      line();
    } else if (character === ':') add(': ');
    else add(character);
  }
  const joined = out.join('');
  // Not ending in half a character.
  return { text: joined.slice(0, limit).replace(/[\ud800-\udbff]$/, ''), cut: at < text.length || joined.length > limit };
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
