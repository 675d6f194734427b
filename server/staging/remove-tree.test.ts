import { removeTree } from '#staging/remove-tree.ts';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

describe('removing a tree that a job has made', () => {
  const held = { base: '' };
  beforeEach(() => {
    held.base = mkdtempSync(path.join(tmpdir(), 'sodate-remove-'));
  });
  afterEach(() => rmSync(held.base, { recursive: true, force: true }));

  it('comes to the bottom of folders that no path can name', () => {
    const root = path.join(held.base, 'deep');
    const around = path.join(held.base, 'around');
    mkdirSync(root);
    writeFileSync(path.join(root, 'file'), '');
    // From the inside out, since no path reaches the bottom: 1,200 × 11 bytes.
    for (let depth = 0; depth < 1_200; depth += 1) {
      mkdirSync(around);
      renameSync(root, path.join(around, 'dddddddddd'));
      renameSync(around, root);
    }
    removeTree(root);
    expect(existsSync(root)).toBe(false);
  });

  it('removes links, not what they lead to', () => {
    const root = path.join(held.base, 'links');
    mkdirSync(path.join(held.base, 'kept'));
    writeFileSync(path.join(held.base, 'kept/file'), '');
    mkdirSync(root);
    symlinkSync('../kept', path.join(root, 'folder'));
    symlinkSync('nowhere', path.join(root, 'dangling'));
    removeTree(root);
    expect(existsSync(root)).toBe(false);
    expect(existsSync(path.join(held.base, 'kept/file'))).toBe(true);
  });

  it('needs no rights that the owner can give itself', () => {
    const root = path.join(held.base, 'locked');
    mkdirSync(path.join(root, 'a/b'), { recursive: true });
    writeFileSync(path.join(root, 'a/b/file'), '');
    chmodSync(path.join(root, 'a/b'), 0o000);
    chmodSync(path.join(root, 'a'), 0o500);
    if (process.getuid?.() === 0) {
      // Root ignores permissions: the same once more as somebody whom they bind.
      for (const each of [held.base, root, `${root}/a`, `${root}/a/b`]) chownSync(each, 65_534, 65_534);
      process.seteuid?.(65_534);
    }
    try {
      removeTree(root);
    } finally {
      if (process.getuid?.() === 0) process.seteuid?.(0);
    }
    expect(existsSync(root)).toBe(false);
  });

  it('does nothing where nothing is', () => {
    expect(() => removeTree(path.join(held.base, 'missing'))).not.toThrow();
  });
});
