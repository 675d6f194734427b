/**
 * The secret of a one-time link lies behind the `#`, so that it reaches no server log. It is taken out of the address bar
 * before anything is drawn, and lives only in this page's memory.
 */
export function takeFirstSignInSecret(
  location: Pick<Location, 'pathname' | 'hash' | 'search'>,
  history: Pick<History, 'replaceState' | 'state'>,
): string | null {
  if (location.pathname !== '/first-sign-in' || location.hash.length < 2) return null;
  const secret = location.hash.slice(1);
  history.replaceState(history.state, '', location.pathname + location.search);
  try {
    return decodeURIComponent(secret);
  } catch {
    return secret;
  }
}
