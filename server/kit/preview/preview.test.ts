import { makePreview } from '#kit/preview/preview.ts';
import type { Preview } from '@sodate/contract/preview.ts';
import { describe, expect, it } from 'vitest';

const read: number[] = [];
const preview = (name: string, content: string | Uint8Array, size?: number): Promise<Preview> => {
  const bytes = Buffer.from(content);
  return makePreview({
    name,
    size: size ?? bytes.length,
    read: async (count) => {
      read.push(count);
      return bytes.subarray(0, count);
    },
  });
};
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('images', () => {
  const webp = (kind: string, rest: string): Buffer => Buffer.concat([Buffer.from('RIFF\u0020\0\0\0WEBP'), Buffer.from(kind), hex(rest)]);
  it.each([
    ['png', hex('89504e470d0a1a0a 0000000d 49484452 00000280 000001e0 08 02 000000')],
    ['gif', Buffer.concat([Buffer.from('GIF89a'), hex('8002 e001 00')])],
    ['jpeg', hex('ffd8 ffe0 0010 4a46494600010100000100010000 ffff ffc2 0011 08 01e0 0280 03 00000000')],
    ['bmp', Buffer.concat([Buffer.from('BM'), hex('00000000 00000000 00000000 28000000 80020000 20feffff 0100 1800')])],
    ['webp', webp('VP8X', '0a000000 10000000 7f0200 df0100')],
    ['webp', webp('VP8 ', '18000000 000000 9d012a 8002 e001 0000')],
    ['webp', webp('VP8L', '18000000 2f 7fc27700 0000000000')],
  ] as const)('are known by their bytes, with their size: %s', async (format, bytes) => {
    expect(await preview('whatever.txt', bytes)).toEqual({
      kind: 'image',
      size: bytes.length,
      cut: false,
      format,
      mediaType: `image/${format}`,
      width: 640,
      height: 480,
      bytes: bytes.toString('base64'),
    });
  });

  it('too large for a preview are described and not sent', async () => {
    const bytes = Buffer.concat([hex('89504e470d0a1a0a 0000000d 49484452 00000280 000001e0'), Buffer.alloc(300_000)]);
    expect(await preview('a.png', bytes)).toMatchObject({ kind: 'image', width: 640, cut: true, bytes: null });
  });

  it.each([
    ['svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['html', '<!doctype html><script>alert(1)</script>'],
    ['letters that begin like one', 'BMW and BMI'],
    ['a head cut off', hex('ffd8 ff')],
  ])('are not what is run or only looks like one: %s', async (_what, content) => {
    const { kind, ...rest } = await preview('a.png', content);
    expect(kind === 'text' || (kind === 'image' && 'width' in rest && rest.width === null)).toBe(true);
  });
});

describe('text', () => {
  const japanese = '日本語のテキスト、カタカナと漢字。\n二行目';
  // Encoders for these are not in Node: bytes as another program wrote them.
  const shiftJis = hex('93fa967b8cea82cc8365834c8358836781414a83 4a835e834a836982c68abf8e9a8142 0a');
  const eucJp = hex('c6fccbdcb8eca4cea5c6a5ada5b9a5c8a1a2a5aba5bfa5aba5caa4c8b4c1bbfaa1a3');
  const wide = (text: string): Buffer => Buffer.from(text, 'utf16le');
  it.each([
    ['utf-8', Buffer.from(japanese), '日本語のテキスト'],
    ['utf-8', Buffer.from(`\ufeff${japanese}`), '日本語のテキスト'],
    ['utf-16le', wide(`\ufeff${japanese}`), '日本語のテキスト'],
    ['utf-16be', wide(`\ufeff${japanese}`).swap16(), '日本語のテキスト'],
    ['utf-16le', wide('loss 0.5 at step 1\n'), 'loss 0.5'],
    ['utf-16be', wide('loss 0.5 at step 1\n').swap16(), 'loss 0.5'],
    ['shift_jis', shiftJis, '日本語のテキスト'],
    ['euc-jp', eucJp, '日本語のテキスト'],
    ['windows-1252', Buffer.from('d\u00e9j\u00e0 vu, na\u00efve, and a long rest of plain words', 'latin1'), 'déjà vu'],
  ])('is read as %s', async (encoding, bytes, begins) => {
    const found = await preview('notes.txt', bytes);
    expect(found).toMatchObject({ kind: 'text', encoding, cut: false });
    expect(found.kind === 'text' && found.text.startsWith(begins)).toBe(true);
  });

  it('is cut between characters, and never for another encoding because of that', async () => {
    for (let pad = 0; pad < 3; pad += 1) {
      const found = await preview('long.txt', 'a'.repeat(pad) + '語'.repeat(100_000));
      expect(found).toMatchObject({ kind: 'text', encoding: 'utf-8', cut: true });
      expect(found.kind === 'text' && found.text.replaceAll('語', '')).toBe('a'.repeat(pad));
    }
  });

  it('has nothing left that steers a terminal or turns its direction', async () => {
    expect(await preview('log', 'a\u001b[31mred\u0007\rb\r\nc\td\u202e\u0085')).toMatchObject({ text: 'a\ufffd[31mred\ufffd\nb\nc\td\ufffd\ufffd' });
  });

  it('of nothing is empty', async () => {
    expect(await preview('empty.txt', '')).toEqual({ kind: 'text', size: 0, cut: false, encoding: 'utf-8', text: '' });
  });
});

describe('tables', () => {
  it('are read with quotes, breaks and delimiters inside of them', async () => {
    expect(await preview('a.csv', 'name,"a ""b"", c",n\r\n"two\nlines",,3\r\n')).toMatchObject({
      kind: 'table',
      delimiter: ',',
      cut: false,
      rows: [
        ['name', 'a "b", c', 'n'],
        ['two\nlines', '', '3'],
      ],
    });
  });

  it.each([
    ['a.csv', 'a;b,c;d\n1;2;3\n', ';', ['a', 'b,c', 'd']],
    ['a.tsv', 'a\tb,c\n', '\t', ['a', 'b,c']],
    ['a.csv', 'one column\n2\n', ',', ['one column']],
    ['a.csv', 'a|b\n1|2\n', '|', ['a', 'b']],
  ])('have the delimiter that divides their lines: %s %j', async (name, content, delimiter, first) => {
    const found = await preview(name, content);
    expect(found).toMatchObject({ kind: 'table', delimiter });
    expect(found.kind === 'table' && found.rows[0]).toEqual(first);
  });

  it('without end are bounded in rows, cells and characters', async () => {
    const rows = await preview('a.csv', '1,2\n'.repeat(100_000));
    expect(rows.kind === 'table' && [rows.rows.length, rows.cut]).toEqual([200, true]);
    const cells = await preview('a.csv', `${'1,'.repeat(10_000)}\n`);
    expect(cells.kind === 'table' && [cells.rows[0]?.length, cells.cut]).toEqual([100, true]);
    const quoted = await preview('a.csv', `"${'x'.repeat(200_000)}`);
    expect(quoted.kind === 'table' && quoted.rows[0]?.[0]?.length).toBe(500);
  });
});

describe('JSON', () => {
  it('is indented as it was written', async () => {
    expect(await preview('a.json', '{"b":[1,2.50,{}],"a":"x\\"{,}","n":12345678901234567890}')).toEqual({
      kind: 'json',
      size: 55,
      cut: false,
      encoding: 'utf-8',
      problem: null,
      text: '{\n  "b": [\n    1,\n    2.50,\n    {}\n  ],\n  "a": "x\\"{,}",\n  "n": 12345678901234567890\n}',
    });
  });

  it('that is none is shown with what is wrong', async () => {
    expect(await preview('a.json', '{"a": oops}')).toMatchObject({ kind: 'json', problem: expect.stringMatching(/JSON/), text: '{\n  "a": oops\n}' });
  });

  it('is found without its name, and lines of it are text', async () => {
    expect(await preview('result', '{"a":1}')).toMatchObject({ kind: 'json' });
    expect(await preview('metrics.jsonl', '{"step":1}\n{"step":2}\n')).toMatchObject({ kind: 'text' });
  });

  it('without end, or as deep as it is long, is bounded', async () => {
    const long = await preview('a.json', `[${'1,'.repeat(1_000_000)}`);
    expect(long).toMatchObject({ kind: 'json', cut: true, problem: null });
    for (const content of ['['.repeat(200_000), `${'['.repeat(100_000)}${']'.repeat(100_000)}`, '{"a":'.repeat(30_000)]) {
      expect(JSON.stringify(await preview('a.json', content)).length).toBeLessThan(300_000);
    }
  });
});

describe('everything else', () => {
  it('is shown as its first bytes', async () => {
    expect(await preview('model.bin', hex('00 01 41 42 ff'))).toEqual({
      kind: 'binary',
      size: 5,
      cut: false,
      hex: ['00000000  00 01 41 42 ff                                   ..AB.'],
    });
    expect(await preview('model.txt', Buffer.alloc(100_000, 7))).toMatchObject({ kind: 'binary', cut: true });
  });

  it('costs the same, however large the file is', async () => {
    read.length = 0;
    for (const content of [Buffer.alloc(1_000_000), 'text '.repeat(200_000), `[${'1,'.repeat(500_000)}`]) {
      expect(JSON.stringify(await preview('a.csv', content, 100 * 2 ** 30)).length).toBeLessThan(400_000);
    }
    expect(Math.max(...read)).toBe(256 * 1024);
  });
});
