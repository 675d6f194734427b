/**
 * What browsers are told of everything that is shown here. A page may run its own scripts, and talk to its own host and to
 * nobody else; only the platform may frame it; it opens no windows and moves no other. None of this protects the platform,
 * which its cookies and its check of origins do: it keeps a page from using whoever looks at it.
 */
export function contentHeaders(
  { platformOrigin, contentOrigin }: { readonly platformOrigin: string; readonly contentOrigin: string },
  { sandboxed } = { sandboxed: true },
): Record<string, string> {
  const socket = contentOrigin.replace(/^http/, 'ws');
  return {
    'content-security-policy': [
      "default-src 'self' data: blob:",
      "script-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
      "style-src 'self' 'unsafe-inline' data: blob:",
      `connect-src 'self' ${socket} data: blob:`,
      "worker-src 'self' blob:",
      "form-action 'self'",
      "base-uri 'self'",
      `frame-ancestors 'self' ${platformOrigin}`,
      ...(sandboxed ? ['sandbox allow-scripts allow-same-origin allow-forms allow-downloads'] : []),
    ].join('; '),
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), display-capture=(), clipboard-read=(), payment=(), usb=(), serial=(), hid=(), midi=()',
    'origin-agent-cluster': '?1',
    'cross-origin-opener-policy': 'same-origin',
    'x-dns-prefetch-control': 'off',
    ...QUIET_HEADERS,
  };
}

/** For what is of our own making and runs nothing. */
export const PLAIN_PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'",
};

export const QUIET_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'private, no-store',
};
