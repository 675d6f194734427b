import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** What one scrypt costs: memory is 128 · N · r bytes. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;

const format = (cost: ScryptCost, salt: Buffer, hash: Buffer): string =>
  ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');

const FORMAT = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]{43})$/;

function read(stored: string): { readonly cost: ScryptCost; readonly salt: Buffer; readonly hash: Buffer } {
  const [, N, r, p, salt, hash] = FORMAT.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) throw new Error('A stored password hash does not have the form scrypt$N$r$p$salt$hash');
  return { cost: { N: Number(N), r: Number(r), p: Number(p) }, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') };
}

/** One password typed on two keyboards may come as different code points (が as one or as two): NFKC makes them equal. */
const derive = (password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const maxmem = 128 * cost.N * cost.r + 128 * cost.r * cost.p + 1024 * 1024;
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, { ...cost, maxmem }, (error, hash) => (error ? reject(error) : resolve(hash)));
  });

export async function hashPassword(password: string, cost: ScryptCost): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return format(cost, salt, await derive(password, salt, cost));
}

export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const { cost, salt, hash } = read(stored);
  return timingSafeEqual(await derive(password, salt, cost), hash);
}

export function hasCost(stored: string, cost: ScryptCost): boolean {
  const { cost: used } = read(stored);
  return used.N === cost.N && used.r === cost.r && used.p === cost.p;
}

/** What no password gives, at the same price: compared with where there is nothing to compare with. */
export const unmatchableHash = (cost: ScryptCost): string => format(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
