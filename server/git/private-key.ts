import { SodateError } from '@sodate/contract/errors.ts';

const refuse = (details: string): SodateError => new SodateError('invalid-request', { details: `body.privateKey: ${details}` });
const MAGIC = Buffer.from('openssh-key-v1\0', 'latin1');

/**
 * Looks at what somebody calls a private key, before it is kept: later only the server that refuses it would tell.
 * @returns the text as `ssh` wants it, with one line break at its end
 * @throws SodateError `invalid-request`, in words that hold nothing of the key
 */
export function checkPrivateKey(text: string): string {
  const normal = `${text.replaceAll(/\r\n?/g, '\n').trim()}\n`;
  const parts = /^-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\n([\s\S]+)\n-----END \1-----\n$/.exec(normal);
  if (parts?.[1] === undefined || parts[2] === undefined)
    throw refuse('is no private key. Expected is the whole file that ssh-keygen wrote, which begins with -----BEGIN; not the one that ends in .pub');
  if (isEncrypted(parts[1], parts[2]))
    throw refuse('has a passphrase, which nobody could type here. Give a copy without one (ssh-keygen -p), or better a key of its own for this');
  return normal;
}

function isEncrypted(kind: string, body: string): boolean {
  if (kind === 'ENCRYPTED PRIVATE KEY' || body.includes('ENCRYPTED')) return true;
  if (kind !== 'OPENSSH PRIVATE KEY') return false;
  const bytes = Buffer.from(body.replaceAll('\n', ''), 'base64');
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || bytes.length < MAGIC.length + 8) throw refuse('is damaged: it is not what ssh-keygen writes');
  const length = bytes.readUInt32BE(MAGIC.length);
  return bytes.toString('latin1', MAGIC.length + 4, MAGIC.length + 4 + length) !== 'none';
}
