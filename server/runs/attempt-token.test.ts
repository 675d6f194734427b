import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AttemptId } from '@sodate/contract/ids.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { makeAttemptToken, verifyAttemptToken } from './attempt-token.ts';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('the token of an attempt', () => {
  /** Whoever gets as far as the database has shown the right text. */
  const asked = new Error('the database was asked');
  const db = {
    selectFrom() {
      throw asked;
    },
  } as unknown as Database;

  it('is one text only, though four texts of its length stand for the same bytes', async () => {
    for (let round = 0; round < 50; round += 1) {
      const key = randomBytes(32);
      const token = makeAttemptToken(key, newId<AttemptId>());
      await expect(verifyAttemptToken(db, key, token)).rejects.toBe(asked);
      const mac = (text: string): Buffer => Buffer.from(text.slice(-43), 'base64url');
      const twins = BASE64URL.split('')
        .map((last) => token.slice(0, -1) + last)
        .filter((text) => text !== token && mac(text).equals(mac(token)));
      expect(twins).toHaveLength(3);
      for (const twin of twins) expect(await verifyAttemptToken(db, key, twin)).toBeNull();
    }
  });
});
