import { describe, expect, it } from 'vitest';
import { makePasswords, PASSWORDS_AT_ONCE_LIMIT, PASSWORDS_WAITING_LIMIT } from './passwords.ts';

const CHEAP = { N: 16, r: 1, p: 1 };

describe('makePasswords', () => {
  it('refuses what would wait beyond the limit, and serves again afterwards', async () => {
    const passwords = makePasswords(CHEAP);
    const all = await Promise.allSettled(Array.from({ length: PASSWORDS_AT_ONCE_LIMIT + PASSWORDS_WAITING_LIMIT + 5 }, () => passwords.hash('password')));
    const refused = all.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(5);
    for (const one of refused) expect(one.reason).toMatchObject({ code: 'too-many-attempts' });
    await expect(passwords.hash('password')).resolves.toMatch(/^scrypt/);
  });

  it('lets in only as many at once as the limit says', async () => {
    const passwords = makePasswords(CHEAP);
    const stored = await passwords.hash('password');
    let admitted = 0;
    let ended = 0;
    let most = 0;
    const check = async (): Promise<void> => {
      await passwords.verify('password', stored, () => {
        admitted += 1;
        most = Math.max(most, admitted - ended);
      });
      ended += 1;
    };
    await Promise.all(Array.from({ length: 20 }, check));
    expect(admitted).toBe(20);
    expect(most).toBeLessThanOrEqual(PASSWORDS_AT_ONCE_LIMIT + 1);
  });

  it('gives the place back when it is not admitted', async () => {
    const passwords = makePasswords(CHEAP);
    const refuse = (): never => {
      throw new Error('not now');
    };
    for (let count = 0; count < PASSWORDS_AT_ONCE_LIMIT + 1; count += 1) await expect(passwords.verify('x', null, refuse)).rejects.toThrow('not now');
    expect(await passwords.verify('x', null, () => {})).toBe(false);
  });

  it('wants a hash of another cost renewed', async () => {
    const stored = await makePasswords({ N: 32, r: 1, p: 1 }).hash('password');
    expect(makePasswords(CHEAP).isOutdated(stored)).toBe(true);
    expect(makePasswords({ N: 32, r: 1, p: 1 }).isOutdated(stored)).toBe(false);
  });
});
