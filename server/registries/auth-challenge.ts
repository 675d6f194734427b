/** How a registry asks for credentials: `Bearer realm="https://…",service="…",scope="…"` or `Basic realm="…"`. */
export interface AuthChallenge {
  /** In lower case. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const SPACE = /[\s,]*/y;
const WORD = /[^\s,="]+/y;
const QUOTED_VALUE = /\s*=\s*"((?:[^"\\]|\\.)*)"/y;
const PLAIN_VALUE = /\s*=\s*([^\s,"]*)/y;

/** Reads the header `WWW-Authenticate`, which may hold several challenges. What is out of form ends it. */
export function parseAuthChallenges(header: string): readonly AuthChallenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found) at = pattern.lastIndex;
    return found;
  };
  for (;;) {
    take(SPACE);
    const word = take(WORD)?.[0].toLowerCase();
    if (word === undefined) return challenges;
    const value = (take(QUOTED_VALUE) ?? take(PLAIN_VALUE))?.[1];
    const current = challenges.at(-1);
    if (value === undefined) challenges.push({ scheme: word, parameters: {} });
    else if (current) current.parameters[word] = value.replaceAll(/\\(.)/g, '$1');
  }
}
