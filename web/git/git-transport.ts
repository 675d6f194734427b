/* What an address of a git server says before the server has looked at it. Pure. */

export type GitTransport = 'https' | 'http' | 'ssh';

/** Null for what is no address of a server, or not yet. */
export const transportOf = (url: string): GitTransport | null => {
  const scheme = /^(https|http|ssh):\/\/./.exec(url.trim())?.[1];
  return scheme === 'https' || scheme === 'http' || scheme === 'ssh' ? scheme : null;
};

/** What is pasted by mistake most often is the public key, or something else altogether. */
export const looksLikePrivateKey = (text: string): boolean => /^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text.trim());

/** Longest text and largest file that can be a key; the contract's limit. */
export const PRIVATE_KEY_LIMIT = 65_536;
