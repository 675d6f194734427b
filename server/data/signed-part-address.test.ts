import { checkPartAddress, signedPartAddress } from '#data/signed-part-address.ts';
import { newId } from '#kit/ids.ts';
import type { UploadId } from '@sodate/contract/ids.ts';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';

const key = randomBytes(32);
const upload = newId<UploadId>();
const expiresAt = new Date('2030-01-01T00:00:00Z');
const before = new Date('2029-12-31T23:59:59Z');

function taken() {
  const address = new URL(signedPartAddress(key, upload, expiresAt), 'http://x');
  return { upload, expires: Number(address.searchParams.get('expires')), signature: address.searchParams.get('signature') ?? '' };
}

describe('a signed address', () => {
  it('is relative and leaves the part open', () => {
    expect(signedPartAddress(key, upload, expiresAt)).toMatch(new RegExp(`^/v1/uploads/${upload}/parts/\\{part\\}\\?expires=\\d+&signature=[\\w-]{43}$`));
  });

  it('works until it expires', () => {
    expect(() => checkPartAddress(key, taken(), before)).not.toThrow();
    expect(() => checkPartAddress(key, taken(), expiresAt)).toThrow('not valid or has expired');
  });

  it.each([
    ['another upload', { upload: newId<UploadId>() }],
    ['a later expiry', { expires: expiresAt.getTime() / 1000 + 1 }],
    ['another signature', { signature: 'A'.repeat(43) }],
    ['a shorter signature', { signature: taken().signature.slice(1) }],
    ['no signature', { signature: '' }],
    ['characters that are none', { signature: 'é'.repeat(43) }],
  ])('does not work for %s', (_name, change) => {
    expect(() => checkPartAddress(key, { ...taken(), ...change }, before)).toThrow('not valid or has expired');
  });

  it('does not work under another key', () => {
    expect(() => checkPartAddress(randomBytes(32), taken(), before)).toThrow('not valid or has expired');
  });
});
