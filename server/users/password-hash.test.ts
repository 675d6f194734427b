import { describe, expect, it } from 'vitest';
import { hasCost, hashPassword, unmatchableHash, verifyPassword } from './password-hash.ts';
import { PASSWORD_COST } from './passwords.ts';

const CHEAP = { N: 16, r: 1, p: 1 };

describe('password hashes', () => {
  it('says in itself how it was made, and never twice the same', async () => {
    const [first, second] = await Promise.all([hashPassword('correct horse', CHEAP), hashPassword('correct horse', CHEAP)]);
    expect(first).toMatch(/^scrypt\$16\$1\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(second).not.toBe(first);
    expect(await verifyPassword('correct horse', first)).toBe(true);
    expect(await verifyPassword('correct horse ', first)).toBe(false);
  });

  it('works at the real cost, and reads hashes of another cost', async () => {
    const real = await hashPassword('パスワード', PASSWORD_COST);
    expect(await verifyPassword('パスワード', real)).toBe(true);
    expect(hasCost(real, PASSWORD_COST)).toBe(true);
    const older = await hashPassword('パスワード', { N: 1024, r: 8, p: 2 });
    expect(await verifyPassword('パスワード', older)).toBe(true);
    expect(hasCost(older, PASSWORD_COST)).toBe(false);
  });

  it('does not care how a keyboard composes a character', async () => {
    expect(await verifyPassword('\u304b\u3099\u304f\u305b\u3044', await hashPassword('\u304c\u304f\u305b\u3044', CHEAP))).toBe(true);
  });

  it('knows a hash that nothing matches, and refuses to read rubbish', async () => {
    expect(await verifyPassword('', unmatchableHash(CHEAP))).toBe(false);
    await expect(verifyPassword('x', 'plain text')).rejects.toThrow('does not have the form');
  });
});
