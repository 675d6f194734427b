/** Never framed, never sniffed; scripts and styles from our own origin only (style attributes excepted: the components set them). */
export const SECURITY_HEADERS = securityHeaders([]);

/** @param framed sources of a content policy that our pages may show in a frame */
export function securityHeaders(framed: readonly string[]) {
  return {
    'content-security-policy': [
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
      ...(framed.length === 0 ? [] : [`frame-src ${framed.join(' ')}`]),
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  } as const;
}
