import { describe, expect, it } from 'vitest';
import type { Cli } from './cli.ts';
import { defineCommand, flag } from './command.ts';

/** What a command with such a flag gets to see when it is called so. */
async function given(flags: string, ...words: readonly string[]): Promise<boolean> {
  const seen: boolean[] = [];
  const command = defineCommand({
    path: 'try',
    summary: 'for this test',
    options: { set: flag(flags, 'a flag') },
    run: (input) => Promise.resolve(void seen.push(input.set)),
  });
  await command.build((_options, run) => run({} as Cli).then(() => undefined)).parseAsync(words, { from: 'user' });
  return seen[0] ?? false;
}

describe('a flag', () => {
  it.each(['--follow', '-f, --follow', '--no-capabilities'])('%s is what was given, and not its opposite', async (flags) => {
    const long = flags.split(', ').at(-1) ?? '';
    expect(await given(flags)).toBe(false);
    expect(await given(flags, long)).toBe(true);
  });
});
