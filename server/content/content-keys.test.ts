import { cookiesOfOthers, keyCookies, keysIn, newKey, newTicket, setsOurs, takeTicket, withTicket } from '#content/content-keys.ts';
import { describe, expect, it } from 'vitest';

describe('a ticket in an address', () => {
  it('is taken out, and nothing else', () => {
    const ticket = newTicket();
    expect(takeTicket(withTicket('/a/b.html', ticket))).toEqual({ ticket, rest: '/a/b.html' });
    expect(takeTicket(`/a?x=1&ticket=${ticket}&y=%20`)).toEqual({ ticket, rest: '/a?x=1&y=%20' });
    expect(takeTicket('/a?ticket=of-another-program')).toEqual({ ticket: null, rest: '/a?ticket=of-another-program' });
    expect(takeTicket(`/a?xicket=${ticket}`)).toEqual({ ticket: null, rest: `/a?xicket=${ticket}` });
    expect(takeTicket('/a')).toEqual({ ticket: null, rest: '/a' });
  });
});

describe('the cookies of a key', () => {
  const key = newKey();

  it('are for one host, out of reach of scripts, and in a frame kept apart by what frames it', () => {
    const [own, framed] = keyCookies(key, 'https://x.run.example.org', 60.9);
    expect(own).toBe(`sodate_content=${key}; Path=/; HttpOnly; Max-Age=60; SameSite=Lax; Secure`);
    expect(framed).toBe(`sodate_content_framed=${key}; Path=/; HttpOnly; Max-Age=60; SameSite=None; Secure; Partitioned`);
  });

  it('are both there on this machine, where the first needs no encryption in any browser', () => {
    expect(keyCookies(key, 'http://x.run.localhost:7363', 60).map((cookie) => /; Secure/.test(cookie))).toEqual([false, true]);
  });

  it('are one where nothing is encrypted', () => {
    expect(keyCookies(key, 'http://x.run.lab.internal', 60)).toHaveLength(1);
  });

  it('are found among others of the same name, which a page beside can set', () => {
    expect(keysIn(`sodate_content=nonsense; a=b; sodate_content=${key}; sodate_content_framed=${key}x`)).toEqual([key]);
    expect(keysIn(undefined)).toEqual([]);
    expect(keysIn(Array.from({ length: 1_000 }, () => `sodate_content=${newKey()}`).join('; '))).toHaveLength(20);
  });

  it('are not passed on, and not replaced', () => {
    expect(cookiesOfOthers(`a=1; sodate_content=${key}; b=2;sodate_content_framed=${key}`)).toBe('a=1; b=2');
    expect(cookiesOfOthers(`sodate_content=${key}`)).toBeUndefined();
    expect([setsOurs('sodate_content=x; Path=/'), setsOurs(' sodate_content_framed = x'), setsOurs('session=x')]).toEqual([true, true, false]);
  });
});
