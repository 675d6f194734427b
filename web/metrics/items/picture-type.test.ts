import { describe, expect, it } from 'vitest';
import { pictureType } from './picture-type.ts';

const of = (...bytes: number[]): ArrayBuffer => new Uint8Array(bytes).buffer;

describe('a picture by its first bytes', () => {
  it.each([
    [of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0), 'image/png'],
    [of(0xff, 0xd8, 0xff, 0xe0), 'image/jpeg'],
    [of(0x47, 0x49, 0x46, 0x38, 0x39, 0x61), 'image/gif'],
    [of(0x89, 0x50, 0x4e, 0x47), null],
    [new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg">').buffer as ArrayBuffer, null],
    [new TextEncoder().encode('<html>').buffer as ArrayBuffer, null],
    [of(), null],
  ])('%#: %s', (bytes, type) => {
    expect(pictureType(bytes)).toBe(type);
  });
});
