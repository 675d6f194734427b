import { describe, expect, it } from 'vitest';
import { imageTypeOf, previewOf, readTable } from './preview-kinds.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('what is shown of a file', () => {
  it('knows pictures by their ending, and takes SVG for text', () => {
    expect(imageTypeOf('a/b.PNG')).toBe('image/png');
    expect(imageTypeOf('a/b.svg')).toBeNull();
    expect(imageTypeOf('png')).toBeNull();
    expect(previewOf('x.svg', bytes('<svg onload="alert(1)"/>'), true)).toEqual({ kind: 'text', text: '<svg onload="alert(1)"/>' });
  });

  it('shows text, also where it was cut inside a character, and nothing of what is not text', () => {
    const cut = bytes('数字').slice(0, 4);
    expect(previewOf('a.txt', cut, false)).toEqual({ kind: 'text', text: '数' });
    expect(previewOf('a.txt', cut, true)).toEqual({ kind: 'none' });
    expect(previewOf('a.txt', new Uint8Array([65, 0, 66]), true)).toEqual({ kind: 'none' });
  });

  it('sets out JSON that is whole and well formed', () => {
    expect(previewOf('a.json', bytes('{"a":[1]}'), true)).toEqual({ kind: 'text', text: '{\n  "a": [\n    1\n  ]\n}' });
    expect(previewOf('a.json', bytes('{"a":['), true)).toEqual({ kind: 'text', text: '{"a":[' });
  });

  it.each([
    [
      'a,b\n1,2\n',
      true,
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n"x, ""y""","line\nbreak"',
      true,
      [
        ['a', 'b'],
        ['x, "y"', 'line\nbreak'],
      ],
    ],
    ['a,b\n1,cut o', false, [['a', 'b']]],
    ['a,,', true, [['a', '', '']]],
    ['', true, []],
  ] as const)('reads the table %j', (text, whole, expected) => {
    expect(readTable(text, ',', whole)).toEqual(expected);
  });
});
