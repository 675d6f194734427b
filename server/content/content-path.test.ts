import { readPath, writePath } from '#content/content-path.ts';
import { bytesToText } from '#kit/foreign-folders/name-text.ts';
import { describe, expect, it } from 'vitest';

describe('a path in an address', () => {
  it.each([
    ['/', '', true],
    ['/a.html', 'a.html', false],
    ['/a/b.css?x=1', 'a/b.css', false],
    ['/a/', 'a', true],
    ['/%E6%97%A5%E6%9C%AC/%20%23%3F.html', '日本/ #?.html', false],
    ['/a%2eb', 'a.b', false],
    ['/...', '...', false],
    ['/%252e%252e/x', '%2e%2e/x', false],
    ['/a\\..\\b', 'a\\..\\b', false],
  ])('%s', (address, path, asFolder) => {
    expect(readPath(address)).toEqual({ path, asFolder });
  });

  it.each([
    '',
    '*',
    'a',
    '//',
    '//evil.example/',
    '/a//b',
    '/.',
    '/..',
    '/../etc',
    '/a/../b',
    '/%2e%2e/etc',
    '/a/%2E%2e',
    '/a%2fb',
    '/a%00b',
    '/%',
    '/%zz',
    '/a%2',
  ])('is none: %s', (address) => {
    expect(readPath(address)).toBeNull();
  });

  it('is written so that it is read the same, whatever the bytes of its names', () => {
    const names = [
      'report.html',
      'a b&c=d?e#f%g.html',
      '日本語/図.png',
      '"<script>\'.svg',
      'a:b',
      bytesToText(Buffer.from([0x66, 0xff, 0x2e, 0x68])),
      '\uef80',
    ];
    for (const name of names) {
      // Characters that stand for bytes are those bytes, so the last one is read as what it stands for.
      const address = writePath(name);
      expect(address).toMatch(/^\/[A-Za-z0-9._~%/-]+$/);
      expect(readPath(address)).toEqual({ path: name, asFolder: false });
    }
    expect(writePath(bytesToText(Buffer.from([0xff])))).toBe('/%FF');
  });
});
