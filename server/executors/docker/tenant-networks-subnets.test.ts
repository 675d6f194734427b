import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AddressPlan,
  chooseSubnet,
  formatSubnet,
  gatewayOf,
  overlaps,
  parseOwnAddresses,
  parseRoutes,
  parseSubnet,
  planAddresses,
  type Subnet,
  subnetCount,
} from './tenant-networks-subnets.ts';

const subnet = (text: string): Subnet => {
  const parsed = parseSubnet(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};
const choose = (plan: AddressPlan, start: number, taken: readonly string[] = []): string | null => {
  const found = chooseSubnet(plan, start, taken.map(subnet));
  return found && formatSubnet(found);
};

describe('subnets', () => {
  it.each([
    ['10.1.2.3/24', '10.1.2.0/24', '10.1.2.1'],
    ['192.168.255.255/16', '192.168.0.0/16', '192.168.0.1'],
    ['255.255.255.255/32', '255.255.255.255/32', undefined],
    ['10.0.0.0/8', '10.0.0.0/8', '10.0.0.1'],
  ])('%s is %s', (text, whole, gateway) => {
    expect(formatSubnet(subnet(text))).toBe(whole);
    if (gateway !== undefined) expect(gatewayOf(subnet(text))).toBe(gateway);
  });

  it.each(['', '10.0.0.0', '10.0.0/8', '10.0.0.0/33', '10.0.0.256/8', 'fd00::/8', '10.0.0.0/8 ', '10.0.0.0/', '1e1.0.0.0/8'])('%j is none', (text) => {
    expect(parseSubnet(text)).toBeNull();
  });

  it('overlap when one lies in the other, whichever is asked', () => {
    const pairs: [string, string, boolean][] = [
      ['10.0.0.0/8', '10.255.255.0/24', true],
      ['10.0.0.0/24', '10.0.0.0/24', true],
      ['10.0.0.0/24', '10.0.1.0/24', false],
      ['10.0.1.0/24', '10.0.0.0/23', true],
      ['0.0.0.0/0', '255.255.255.255/32', true],
    ];
    for (const [one, other, expected] of pairs)
      expect([overlaps(subnet(one), subnet(other)), overlaps(subnet(other), subnet(one))]).toEqual([expected, expected]);
  });

  it('are read from the kernel’s routes', () => {
    const text = [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
      'tun0\t0000E70A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
      'rubbish',
      '',
    ].join('\n');
    expect(parseRoutes(text).map(formatSubnet)).toEqual(['192.0.2.0/24', '10.231.0.0/16']);
    expect(parseRoutes('')).toEqual([]);
  });
});

describe('own addresses', () => {
  it('are the local leaves of the kernel’s table', () => {
    const leaf = (address: string, what: string): string => `           |-- ${address}\n              ${what}\n`;
    const text = `Main:\n  +-- 0.0.0.0/0 3 0 5\n${leaf('0.0.0.0', '/0 universe UNICAST')}${leaf('10.231.7.0', '/24 link UNICAST')}Local:\n${leaf('10.231.7.1', '/32 host LOCAL')}${leaf('10.231.7.255', '/32 link BROADCAST')}${leaf('127.0.0.1', '/32 host LOCAL')}`;
    expect([...parseOwnAddresses(text)]).toEqual(['10.231.7.1', '127.0.0.1']);
    expect(parseOwnAddresses('').size).toBe(0);
  });
});

describe('the plan', () => {
  it.each([
    ['a word', 'any', 24],
    ['loopback', '127.5.0.0/16', 24],
    ['link-local addresses', '169.254.0.0/16', 24],
    ['multicast', '230.0.0.0/16', 24],
    ['everything', '0.0.0.0/0', 24],
    ['networks larger than the range', '10.231.0.0/16', 15],
    ['networks for nobody', '10.231.0.0/16', 30],
    ['half a bit', '10.231.0.0/16', 24.5],
  ])('is not %s', (_what, range, length) => {
    expect(() => planAddresses(range, length)).toThrow(/must/);
  });

  it('gives a tenant the same network again while it is free, and another one otherwise', () => {
    const plan = planAddresses('10.231.0.0/16', 24);
    expect(subnetCount(plan)).toBe(256);
    expect(choose(plan, 7)).toBe('10.231.7.0/24');
    expect(choose(plan, 256 + 7)).toBe('10.231.7.0/24');
    expect(choose(plan, 7, ['10.231.7.128/25', '10.231.8.0/22'])).toBe('10.231.12.0/24');
    expect(choose(plan, 255, ['10.231.255.0/24'])).toBe('10.231.0.0/24');
    expect(choose(plan, 7, ['10.0.0.0/8'])).toBeNull();
  });

  it('hands out every network once, none of them taken, and then says that there is none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 24 }),
        fc.integer({ min: 0, max: 5 }),
        fc.nat(1000),
        fc.array(fc.nat(65_535), { maxLength: 5 }),
        (length, bits, start, others) => {
          const plan = planAddresses(`10.231.0.0/${length}`, length + bits);
          const foreign = others.map((other) => ({ first: plan.range.first + other - (other % 16), length: 28 }));
          const given: Subnet[] = [];
          for (let found = chooseSubnet(plan, start, foreign); found !== null; found = chooseSubnet(plan, start, [...foreign, ...given])) given.push(found);
          expect(new Set(given.map(formatSubnet)).size).toBe(given.length);
          for (const each of given) expect([overlaps(each, plan.range), foreign.some((other) => overlaps(each, other))]).toEqual([true, false]);
          expect(given.length).toBeGreaterThanOrEqual(subnetCount(plan) - foreign.length);
        },
      ),
    );
  });
});
