import { SodateError } from '@sodate/contract/errors.ts';

type QueryValue = string | number | boolean | null | undefined | readonly (string | number | boolean)[];

/** Fills the parameters of a route's path and appends the query; a list becomes a repeated parameter. */
export function buildPath(path: string, params: Readonly<Record<string, unknown>>, query: Readonly<Record<string, unknown>>): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = params[name];
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    // Even percent-encoded, `.` and `..` are resolved by URL parsers and would reach another route.
    if (text === '' || text === '.' || text === '..') {
      throw new SodateError('invalid-request', { details: `${name} must not be ${text === '' ? 'empty' : `"${text}"`}` });
    }
    return encodeURIComponent(text);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query) as [string, QueryValue][]) {
    if (value === undefined || value === null) continue;
    for (const one of typeof value === 'object' ? value : [value]) search.append(name, String(one));
  }
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}
