import { Secret } from '#config/secret.ts';
import { type Identity, makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';

const PASSWORD = 'correct horse 馬 battery staple';
const ROW: Identity = ['credentials.password', 'tenant-1', 'example.org'];
const key = randomBytes(32);
const sealed = makeSealedSecrets(key);
const seal = (identity: Identity = ROW): Buffer => sealed.seal(new Secret(PASSWORD), identity);
const refusal = expect.objectContaining({ code: 'secret-unreadable', message: expect.stringContaining('The password for example.org') });

it('gives back what was sealed, also in a later process', () => {
  expect(sealed.open(seal(), ROW, 'it').reveal()).toBe(PASSWORD);
  expect(makeSealedSecrets(Buffer.from(key)).open(new Uint8Array(seal()), ROW, 'it').reveal()).toBe(PASSWORD);
  expect(sealed.open(sealed.seal(new Secret(''), ROW), ROW, 'it').reveal()).toBe('');
});

it('shows nothing of it, not even that two are the same', () => {
  const [one, two] = [seal(), seal()];
  expect(one.equals(two)).toBe(false);
  for (const part of [PASSWORD, 'horse', 'example.org']) expect(one.includes(part)).toBe(false);
});

it.each<[string, Identity]>([
  ['another column', ['tokens.password', 'tenant-1', 'example.org']],
  ['another tenant', ['credentials.password', 'tenant-2', 'example.org']],
  ['another host', ['credentials.password', 'tenant-1', 'attacker.example']],
  ['a missing part', ['credentials.password', 'tenant-1']],
  ['the same letters divided elsewhere', ['credentials.password', 'tenant-1example', '.org']],
])('does not open for %s', (_what, identity) => {
  const attempt = (): unknown => sealed.open(seal(), identity, 'The password for example.org');
  expect(attempt).toThrow(refusal);
});

it('does not open under another key', () => {
  expect(() => makeSealedSecrets(randomBytes(32)).open(seal(), ROW, 'The password for example.org')).toThrow(refusal);
});

it('does not open when any byte was changed, cut off or added', () => {
  const whole = seal();
  for (let at = 0; at < whole.length; at += 1) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => sealed.open(changed, ROW, 'The password for example.org'), `byte ${at}`).toThrow(refusal);
    expect(() => sealed.open(whole.subarray(0, at), ROW, 'The password for example.org'), `only ${at} bytes`).toThrow(refusal);
  }
  expect(() => sealed.open(Buffer.concat([whole, Buffer.of(0)]), ROW, 'The password for example.org')).toThrow(refusal);
});
