import { newSecret } from '#kit/secrets.ts';
import { newId } from '#kit/ids.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCredential } from './read-credential.ts';

const session = newSecret('ses_');
const token = newSecret('sod_');
const id = newId();
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const header = (authorization: string, sessionCookie?: string) => readCredential({ authorization, sessionCookie });

describe('readCredential', () => {
  it('reads each kind', () => {
    expect(readCredential({ authorization: undefined, sessionCookie: undefined })).toBeNull();
    expect(readCredential({ authorization: undefined, sessionCookie: session })).toEqual({ kind: 'session', secret: session });
    expect(header(`Bearer ${session}`)).toEqual({ kind: 'session', secret: session });
    expect(header(`bearer  ${token}`)).toEqual({ kind: 'token', secret: token, id: null });
    expect(header(`BASIC ${base64(`${id}:${token}`)}`)).toEqual({ kind: 'token', secret: token, id });
    expect(header('Bearer att_0190abc.DEF-_~')).toEqual({ kind: 'attempt', token: 'att_0190abc.DEF-_~' });
  });

  it('never falls back to the cookie when a header is there', () => {
    expect(header('Bearer nothing', session)).toBe('malformed');
    expect(header('', session)).toBe('malformed');
  });

  const malformed: readonly [string, string][] = [
    ['no value', 'Bearer'],
    ['an empty value', 'Bearer '],
    ['a word', 'Bearer nothing'],
    ['null', 'Bearer null'],
    ['a bare secret', token],
    ['another scheme', `Digest ${token}`],
    ['a known prefix alone', 'Bearer sod_'],
    ['a secret cut short', `Bearer ${token.slice(0, -1)}`],
    ['a secret with more behind it', `Bearer ${token}x`],
    ['a line break behind the secret', `Bearer ${token}\n`],
    ['two secrets', `Bearer ${token} ${token}`],
    ['two headers joined', `Bearer ${token}, Bearer ${token}`],
    ['an unknown prefix', `Bearer xyz_${token.slice(4)}`],
    ['a one-time link', `Bearer ${newSecret('lnk_')}`],
    ['an attempt token with NUL', 'Bearer att_a\u0000b'],
    ['an endless attempt token', `Bearer att_${'a'.repeat(5000)}`],
    ['an empty Basic', 'Basic '],
    ['Basic without a colon', `Basic ${base64(`${id}${token}`)}`],
    ['Basic with only a colon', `Basic ${base64(':')}`],
    ['Basic without an id', `Basic ${base64(`:${token}`)}`],
    ['Basic without a secret', `Basic ${base64(`${id}:`)}`],
    ['Basic with a name', `Basic ${base64(`admin:${token}`)}`],
    ['Basic with a session', `Basic ${base64(`${id}:${session}`)}`],
    ['Basic with a password', `Basic ${base64(`${id}:password`)}`],
    ['Basic that is not base64', `Basic ${id}:${token}`],
    ['Basic without its padding', `Basic ${base64(`${id}:${token}`).replace(/=+$/, '')}=`],
    ['Basic in the URL alphabet with rubbish', `Basic ${base64(`${id}:${token}`)}-_*`],
    ['Basic of bytes that are no text', `Basic ${base64(Buffer.from([0xff, 0xfe, 0x3a, 0x00, 0x80]))}`],
    ['Basic with NUL', `Basic ${base64(`${id}\u0000:${token}`)}`],
    ['padding only', 'Basic ===='],
    ['a megabyte', `Bearer ${'a'.repeat(1_000_000)}`],
    ['a property every object has', 'Bearer __proto__'],
  ];
  it.each(malformed)('refuses %s', (_what, authorization) => expect(header(authorization)).toBe('malformed'));

  it.each(['', 'nothing', token, `${session}x`, `"${session}"`])('refuses the cookie %j', (sessionCookie) =>
    expect(readCredential({ authorization: undefined, sessionCookie })).toBe('malformed'),
  );

  it('takes whatever comes without throwing', () => {
    fc.assert(
      fc.property(fc.constantFrom('Bearer ', 'Basic ', 'basic ', ''), fc.string({ unit: 'binary' }), fc.boolean(), (scheme, text, encoded) => {
        expect(header(scheme + (encoded ? base64(text) : text))).toBe('malformed');
      }),
    );
  });
});
