import { bytesToText, rawToText, textToBytes, textToRaw } from '#kit/foreign-folders/name-text.ts';
import { expect, it } from 'vitest';

it.each([
  ['plain.txt', 'plain.txt'],
  ['結果 1.png', '結果 1.png'],
  ['😀', '😀'],
  ['a\ufffdb', 'a\ufffdb'],
])('leaves UTF-8 as it is: %j', (name, text) => {
  expect(bytesToText(Buffer.from(name))).toBe(text);
  expect(textToBytes(text)).toEqual(Buffer.from(name));
});

it.each([
  ['a byte that is not UTF-8', Buffer.from('a\u00ffb', 'latin1'), 'a\uefffb'],
  ['Shift_JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b]), '\uef93\ueffa\uef96{'],
  ['a character cut off', Buffer.from([0x61, 0xe6, 0x97]), 'a\uefe6\uef97'],
  ['a slash in a form too long', Buffer.from([0xc0, 0xaf]), '\uefc0\uefaf'],
  ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80]), '\uefed\uefa0\uef80'],
  ['the escape itself', Buffer.from('\uef93'), '\uefee\uefbe\uef93'],
])('writes what could not be turned back as private characters: %s', (_what, bytes, text) => {
  expect(bytesToText(bytes)).toBe(text);
  expect(textToBytes(text)).toEqual(bytes);
});

it('turns any bytes into text and back, each into a text of its own', () => {
  const texts = new Set<string>();
  for (let high = 1; high < 256; high += 1) {
    for (let low = 1; low < 256; low += 1) {
      const raw = Buffer.from([0x61, high, low, 0x9f]).toString('latin1');
      expect(textToRaw(rawToText(raw))).toBe(raw);
      texts.add(rawToText(raw));
    }
  }
  expect(texts.size).toBe(255 * 255);
});
