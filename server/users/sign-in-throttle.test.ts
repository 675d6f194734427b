import { isSodateError } from '@sodate/contract/errors.ts';
import { describe, expect, it } from 'vitest';
import { ACCOUNT_FAILURES_LIMIT, ADDRESS_FAILURES_LIMIT, FAILURES_WINDOW_MS, makeSignInThrottle, networkOf, TRACKED_LIMIT } from './sign-in-throttle.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (ms: number): Date => new Date(START + ms);

/** Seconds to wait, or 0 when the attempt may go ahead. */
function blocked(throttle: ReturnType<typeof makeSignInThrottle>, account: string, address: string, ms: number): number {
  try {
    throttle.check(account, address, at(ms));
    return 0;
  } catch (error) {
    if (!isSodateError(error)) throw error;
    expect(error.code).toBe('too-many-attempts');
    return Number(error.params['seconds']);
  }
}

describe('sign-in throttle', () => {
  it('blocks an account after its tenth failure until the first of them is 15 minutes old', () => {
    const throttle = makeSignInThrottle();
    for (let count = 0; count < ACCOUNT_FAILURES_LIMIT; count += 1) {
      expect(blocked(throttle, 'Mina', `192.0.2.${count}`, count * 1000)).toBe(0);
      throttle.charge('Mina', `192.0.2.${count}`, at(count * 1000));
    }
    expect(blocked(throttle, 'mina', '198.51.100.1', 9_000)).toBe(891);
    expect(() => throttle.charge('MINA', '198.51.100.1', at(10_000))).toThrow('Try again in 890 seconds');
    expect(blocked(throttle, 'other', '198.51.100.1', 9_000)).toBe(0);
    expect(blocked(throttle, 'mina', '198.51.100.1', FAILURES_WINDOW_MS)).toBe(0);
    throttle.charge('mina', '198.51.100.1', at(FAILURES_WINDOW_MS));
    expect(blocked(throttle, 'mina', '198.51.100.1', FAILURES_WINDOW_MS)).toBe(1);
  });

  it('forgives the account when the password was right, the address only that one attempt', () => {
    const throttle = makeSignInThrottle();
    for (let count = 0; count < ACCOUNT_FAILURES_LIMIT - 1; count += 1) throttle.charge('mina', '192.0.2.1', at(0));
    throttle.charge('mina', '192.0.2.1', at(0))();
    expect(blocked(throttle, 'mina', '192.0.2.1', 0)).toBe(0);
    for (let count = ACCOUNT_FAILURES_LIMIT - 1; count < ADDRESS_FAILURES_LIMIT; count += 1) throttle.charge(`user-${count}`, '192.0.2.1', at(0));
    expect(blocked(throttle, 'someone', '192.0.2.1', 0)).toBe(900);
    expect(blocked(throttle, 'someone', '192.0.2.2', 0)).toBe(0);
  });

  it('forgets whoever failed longest ago rather than grow', () => {
    const throttle = makeSignInThrottle();
    for (let count = 0; count < ACCOUNT_FAILURES_LIMIT; count += 1) throttle.charge('early', 'a', at(0));
    for (let count = 0; count < ACCOUNT_FAILURES_LIMIT; count += 1) throttle.charge('late', 'b', at(0));
    for (let count = 0; count < TRACKED_LIMIT - 1; count += 1) throttle.charge(`user-${count}`, `address-${count}`, at(1));
    expect(blocked(throttle, 'early', 'c', 1)).toBe(0);
    expect(blocked(throttle, 'late', 'c', 1)).toBe(900);
  });

  it('counts an IPv6 network as one address', () => {
    expect(networkOf('2001:db8:0:1::7')).toBe(networkOf('2001:0db8:0000:0001:ffff:ffff:ffff:ffff'));
    expect(networkOf('2001:db8:0:1::7')).not.toBe(networkOf('2001:db8:0:2::7'));
    expect(networkOf('::ffff:192.0.2.9')).toBe('192.0.2.9');
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  });
});
