import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALL_COMMANDS } from '../cli/all-commands.ts';

/** Commands that stand in documents are read by the CLI itself; none is carried out. */
const root = path.join(import.meta.dirname, '..');
const documents = ['', 'docs', 'docs/decisions', 'examples'].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
);
/** Of the server's side, which reads its words by itself. */
const OF_THE_SERVER = new Set(['up', 'down', 'status', 'demo', 'test', 'doctor', 'backup', 'restore']);
const WORD = /(?:"[^"]*"|'[^']*'|[^\s"'|;&<>()])+/y;

/** The words of the commands of ours in a line of shell, without quotes. */
function commandsIn(line: string): readonly (readonly string[])[] {
  const found: string[][] = [];
  for (const { index } of line.matchAll(/(?<=^\s*(?:\w+=\S+\s+)*|[|;&(]\s*)(?:\.\/)?sodate /g)) {
    const words: string[] = [];
    WORD.lastIndex = line.indexOf('sodate ', index) + 'sodate '.length;
    for (;;) {
      const start = WORD.lastIndex;
      const word = WORD.exec(line)?.[0];
      if (word === undefined || word.startsWith('#')) break;
      words.push(word.replaceAll(/["']/g, ''));
      WORD.lastIndex = start + word.length;
      while (line[WORD.lastIndex] === ' ') WORD.lastIndex += 1;
    }
    found.push(words);
  }
  return found;
}

const linesOf = (file: string): readonly string[] =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'));

/** What is wrong with it, or null. */
async function whatIsWrong(words: readonly string[]): Promise<string | null> {
  const named = ALL_COMMANDS.filter((one) => one.path.split(' ').every((part, at) => words[at] === part)).toSorted((a, b) => b.path.length - a.path.length)[0];
  if (named === undefined) return 'there is no such command';
  let isRead = false;
  const command = named.build(async () => void (isRead = true));
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  try {
    await command.parseAsync(words.slice(named.path.split(' ').length), { from: 'user' });
  } catch (error) {
    return (error as Error).message;
  }
  const dashes = words.indexOf('--');
  if (dashes >= 0 && command.args.length !== words.length - dashes - 1) return 'words before the -- would become part of what is executed';
  return isRead ? null : 'it is not read';
}

describe('commands in documents', () => {
  const given = documents.flatMap((file) => linesOf(file).flatMap((line) => commandsIn(line).map((words) => ({ file, words }))));
  const ours = given.filter(({ words }) => !OF_THE_SERVER.has(words[0] ?? ''));

  it('are found', () => expect(ours.length).toBeGreaterThan(100));

  it('can be typed as they stand', async () => {
    const wrong: string[] = [];
    for (const { file, words } of ours) {
      const what = await whatIsWrong(words);
      if (what !== null) wrong.push(`${file}: sodate ${words.join(' ')}: ${what}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    [['training', 'run', 'first try', '--dataset', '1', '--repository', 'digits', '--', 'node', 'x'], /words before the --/],
    [['data', 'lsit'], /no such command/],
    [['data', 'list', '--colour'], /unknown option/],
    [['data', 'create'], /missing required argument/],
  ])('that are wrong are told: %j', async (words, what) => {
    expect(await whatIsWrong(words)).toMatch(what);
  });
});
