import { describe, expect, it } from 'vitest';
import { takeFirstSignInSecret } from './first-sign-in-secret.ts';
import { ownPath } from './next-page.ts';

describe('the page after signing in', () => {
  it.each([
    ['/tenants/a/runs?kind=task#x', '/tenants/a/runs?kind=task#x'],
    ['//evil.example/', null],
    ['/\\evil.example', null],
    ['/.//evil.example', null],
    ['https://evil.example', null],
    ['javascript:alert(1)', null],
    ['tenants/a', null],
    ['/sign-in?next=/sign-in', null],
    [undefined, null],
  ])('%s → %s', (wanted, path) => {
    expect(ownPath(wanted)).toBe(path);
  });
});

describe('the secret of a one-time link', () => {
  const take = (pathname: string, hash: string) => {
    const written: unknown[] = [];
    const location = { pathname, hash, search: '' };
    const replaceState: History['replaceState'] = (_state, _title, url) => {
      written.push(url);
      location.hash = '';
    };
    return { secret: takeFirstSignInSecret(location, { state: null, replaceState }), written };
  };

  it('is taken and the address cleaned', () => {
    expect(take('/first-sign-in', '#s3cret%2F')).toEqual({ secret: 's3cret/', written: ['/first-sign-in'] });
  });

  it('is not looked for elsewhere', () => {
    expect(take('/tenants/a/runs', '#s3cret')).toEqual({ secret: null, written: [] });
  });

  it('may be missing', () => {
    expect(take('/first-sign-in', '')).toEqual({ secret: null, written: [] });
  });
});
