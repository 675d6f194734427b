/** The text without this character at its end. For what anybody may send: a pattern like `/x+$/` takes hours for a million in the middle. */
export function trimEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text.charAt(end - 1) === character) end -= 1;
  return text.slice(0, end);
}
