/** Where to go after signing in: a path of this site and nothing else, or null. */
export function ownPath(wanted: unknown): string | null {
  if (typeof wanted !== 'string' || wanted.length > 2_000) return null;
  try {
    const url = new URL(wanted, 'http://own.invalid');
    if (url.origin !== 'http://own.invalid' || !wanted.startsWith('/')) return null;
    const path = url.pathname + url.search + url.hash;
    return path.startsWith('//') || url.pathname === '/sign-in' ? null : path;
  } catch {
    return null;
  }
}
