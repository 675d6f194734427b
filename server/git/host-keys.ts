import { SodateError } from '@sodate/contract/errors.ts';
import { createHash } from 'node:crypto';

/** A public key by which an SSH server is known. */
export interface HostKey {
  readonly type: string;
  /** As it stands in files, in base64. */
  readonly key: string;
}

const HOST_KEYS_LIMIT = 50;
const TYPE = /^(ssh|ecdsa|sk-ssh|sk-ecdsa|rsa)-[a-z0-9@.-]{1,64}$/;

/**
 * Reads `type key` and `host type key` lines. The host of a line is not looked at: these are the keys of one server.
 * @throws SodateError `invalid-request`
 */
export function parseHostKeys(text: string): readonly HostKey[] {
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseLine);
  if (keys.length === 0) throw refuse('there is no key in it');
  if (keys.length > HOST_KEYS_LIMIT) throw refuse(`more than ${HOST_KEYS_LIMIT} keys are certainly a mistake`);
  return keys;
}

const refuse = (details: string): SodateError => new SodateError('invalid-request', { details: `body.hostKeys: ${details}` });

function parseLine(line: string): HostKey {
  const words = line.split(/\s+/);
  if (words[0]?.startsWith('@')) throw refuse('lines beginning with @ (authorities and revoked keys) are not supported; give the keys themselves');
  const at = words.findIndex((word) => TYPE.test(word));
  const [type, key] = words.slice(at);
  if (at < 0 || at > 1 || type === undefined || key === undefined || !isKeyOf(type, key)) throw refuse('expected are lines such as: ssh-ed25519 AAAAC3Nza…');
  return { type, key };
}

/** The bytes of a key begin with its type, after the type's length in four bytes. */
function isKeyOf(type: string, key: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) return false;
  const bytes = Buffer.from(key, 'base64');
  return bytes.length > 4 + type.length && bytes.readUInt32BE(0) === type.length && bytes.toString('latin1', 4, 4 + type.length) === type;
}

/** How `ssh` shows a key to people. */
export const fingerprintOf = ({ key }: HostKey): string =>
  `SHA256:${createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '')}`;

/** What is stored: one `type key` line each. */
export const formatHostKeys = (keys: readonly HostKey[]): string => keys.map(({ type, key }) => `${type} ${key}\n`).join('');

/** The file by which `ssh` recognises the server, whatever address it is reached at. */
export const knownHostsFile = (alias: string, keys: readonly HostKey[]): string => keys.map(({ type, key }) => `${alias} ${type} ${key}\n`).join('');
