import { createHash, randomBytes } from 'node:crypto';

/**
 * Secrets that we hand out once and know again later: 32 random bytes behind a prefix that says what they open. Only the
 * SHA-256 is stored. They are too random to be guessed, so a fast hash is enough; passwords need a slow one.
 */
export const newSecret = (prefix: string): string => prefix + randomBytes(32).toString('base64url');

export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();

const RANDOM_PART = /^[A-Za-z0-9_-]{43}$/;

/** Whether a text has the form of a secret with this prefix. */
export const isSecret = (prefix: string, text: string): boolean => text.startsWith(prefix) && RANDOM_PART.test(text.slice(prefix.length));
