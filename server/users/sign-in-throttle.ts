import { SodateError } from '@sodate/contract/errors.ts';
import { isIPv6 } from 'node:net';

export const FAILURES_WINDOW_MS = 15 * 60_000;
export const ACCOUNT_FAILURES_LIMIT = 10;
/**
 * More than for an account: a team behind one proxy shares an address, and on one machine everybody is 127.0.0.1. With
 * ten, one script with an old password would keep the whole team out.
 */
export const ADDRESS_FAILURES_LIMIT = 100;
/** Accounts, and addresses, remembered; beyond it the one that failed longest ago is forgotten. */
export const TRACKED_LIMIT = 10_000;

export interface SignInThrottle {
  /** @throws SodateError `too-many-attempts` when this account or address has failed too often lately */
  check(account: string, address: string, now: Date): void;
  /**
   * Like `check`, and counts a failure beforehand, so that attempts at the same time cannot pass the limit together.
   * @returns what to call when the attempt turns out right
   */
  charge(account: string, address: string, now: Date): () => void;
}

export function makeSignInThrottle(): SignInThrottle {
  const accounts = makeFailureCount(ACCOUNT_FAILURES_LIMIT);
  const addresses = makeFailureCount(ADDRESS_FAILURES_LIMIT);
  const check = (account: string, address: string, now: number): void => {
    const seconds = Math.max(accounts.secondsBlocked(account, now), addresses.secondsBlocked(address, now));
    if (seconds > 0) throw new SodateError('too-many-attempts', { seconds });
  };
  return {
    check: (account, address, now) => check(account.toLowerCase(), networkOf(address), now.getTime()),
    charge(accountName, rawAddress, at) {
      const [account, address, now] = [accountName.toLowerCase(), networkOf(rawAddress), at.getTime()];
      check(account, address, now);
      accounts.add(account, now);
      addresses.add(address, now);
      return () => {
        accounts.forget(account);
        // An address keeps its other failures: who knows one password may still be guessing at others.
        addresses.takeBack(address, now);
      };
    },
  };
}

function makeFailureCount(limit: number) {
  /** When each key failed, oldest first, at most `limit` instants; keys in the order of their latest failure. */
  const failures = new Map<string, readonly number[]>();
  const recent = (key: string, now: number): readonly number[] => (failures.get(key) ?? []).filter((at) => at > now - FAILURES_WINDOW_MS);
  const put = (key: string, instants: readonly number[]): void => {
    failures.delete(key);
    if (instants.length > 0) failures.set(key, instants);
    for (const oldest of failures.keys()) {
      if (failures.size <= TRACKED_LIMIT) break;
      failures.delete(oldest);
    }
  };
  return {
    secondsBlocked(key: string, now: number): number {
      const instants = recent(key, now);
      const oldest = instants[0];
      if (oldest === undefined || instants.length < limit) return 0;
      return Math.min(Math.ceil((oldest + FAILURES_WINDOW_MS - now) / 1000), FAILURES_WINDOW_MS / 1000);
    },
    add: (key: string, now: number): void => put(key, [...recent(key, now), now].slice(-limit)),
    takeBack(key: string, at: number): void {
      const instants = failures.get(key);
      const index = instants?.lastIndexOf(at) ?? -1;
      if (instants && index >= 0) failures.set(key, instants.toSpliced(index, 1));
    },
    forget: (key: string): void => void failures.delete(key),
  };
}

/** One household or attacker holds 2^64 IPv6 addresses: they count as one, by their first 64 bits. */
export function networkOf(address: string): string {
  const bare = address.toLowerCase().replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(bare)) return bare;
  const [left = '', right] = bare.split('::');
  const groups = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : Math.max(0, 8 - groups.length - tail.length);
  const whole = [...groups, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return `${whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
