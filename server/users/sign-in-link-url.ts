/** The page where a one-time link is redeemed. The secret stands behind the `#`, so that no server or proxy logs it. */
export const signInLinkUrl = (server: string, secret: string): string => `${server.replace(/\/+$/, '')}/first-sign-in#${secret}`;
