import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import en from '../web/kit/i18n/en.json' with { type: 'json' };
import ja from '../web/kit/i18n/ja.json' with { type: 'json' };

/** Documents that exist in Japanese say the same as the English ones: what can be compared of them is compared here. */
const root = path.join(import.meta.dirname, '..');
const japaneseFiles = ['', 'docs'].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.ja.md'))
    .map((name) => path.join(folder, name)),
);
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const englishOf = (file: string): string => file.replace(/\.ja\.(md|png)$/, '.$1');

/** What both languages have alike, in the order of the text: a change of one alone shows as the first line that differs. */
function outline(text: string): readonly string[] {
  const lines: string[] = [];
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) {
      fence = fence === null ? line : null;
      lines.push(`code ${line}`);
    } else if (fence !== null) {
      // Remarks in code are translated.
      lines.push(`  ${line.replace(/\s+#\s.*$/, '')}`);
    } else {
      const heading = /^#+/.exec(line)?.[0];
      if (heading !== undefined) lines.push(`heading ${heading}`);
      if (line.startsWith('|')) lines.push(`row of ${line.split('|').length - 2}`);
      if (/^(-|\d+\.) /.test(line)) lines.push('item');
      // Links and code of a paragraph may stand in another order; code with <places> to fill in is translated.
      const links = [...line.matchAll(/\]\(([^)#]*)(#[^)]*)?\)/g)].map(([, file = '', anchor = '']) => `link ${englishOf(file)}${anchor}`);
      const code = [...line.matchAll(/`([^`]+)`/g)].map(([, what = '']) => what).filter((what) => !/[<…]|\P{ASCII}/u.test(what));
      lines.push(...links.sort(), ...code.sort().map((what) => `code ${what}`));
    }
  }
  return lines.filter((line) => !/^link (README|guide)\.md$/.test(line));
}

function texts(of: object): readonly string[] {
  return Object.values(of).flatMap((value: unknown) => (typeof value === 'string' ? [value] : texts(value as object)));
}

describe('documents in two languages', () => {
  it('are found', () => expect(japaneseFiles).toEqual(expect.arrayContaining(['README.ja.md', 'docs/guide.ja.md'])));

  it.each(japaneseFiles)('%s says in the same order, with the same code, what the English one says', (file) => {
    expect(outline(read(file))).toEqual(outline(read(englishOf(file))));
  });

  it.each(japaneseFiles)('%s and the English one lead to each other', (file) => {
    const [japanese, english] = [path.basename(file), path.basename(englishOf(file))];
    expect(read(file)).toContain(`\n[English](${english})\n`);
    expect(read(englishOf(file))).toContain(`\n[日本語](${japanese})\n`);
  });

  it('names in the guides what stands on the pages', () => {
    const [inEnglish, inJapanese] = [texts(en), texts(ja)];
    const named = [...read('docs/guide.md').matchAll(/(?<!\*)\*([^*\n]+)\*(?!\*)/g)].flatMap(([, words = '']) => words.split(' → '));
    const namedInJapanese = [...read('docs/guide.ja.md').matchAll(/「([^」]+)」/g)].map(([, words = '']) => words);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((words) => !inEnglish.includes(words))).toEqual([]);
    expect(namedInJapanese.filter((words) => !inJapanese.includes(words))).toEqual([]);
  });

  it.each([
    ['a heading', '## One\n', '## One\n## Two\n'],
    ['a command', '```sh\nsodate data list\n```\n', '```sh\nsodate data list --json\n```\n'],
    ['a row', '| a | b |\n', '| a | b |\n| c | d |\n'],
    ['a link', '[Search](search.md)\n', '[Search](lineage.md)\n'],
    ['code in a sentence', 'Set `SODATE_HOME`.\n', 'Set `SODATE_PORT`.\n'],
  ])('notices that %s differs', (_what, one, other) => {
    expect(outline(one)).not.toEqual(outline(other));
  });
});
