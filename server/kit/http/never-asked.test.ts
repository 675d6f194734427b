import { isNeverAsked, makeGuardedLookup } from '#kit/http/never-asked.ts';
import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';

it.each<[string, boolean]>([
  ['169.254.169.254', true],
  ['169.254.0.1', true],
  ['::ffff:169.254.169.254', true],
  ['[::ffff:a9fe:a9fe]', true],
  ['fe80::1', true],
  ['fe80::1%eth0', true],
  ['[fe80::1]', true],
  ['fd00:ec2::254', true],
  ['100.100.100.200', true],
  ['168.63.129.16', true],
  ['127.0.0.1', false],
  ['10.0.0.1', false],
  ['192.168.1.1', false],
  ['::1', false],
  ['fd00::1', false],
  ['registry.example.com', false],
  ['169.254.169.254.example.com', false],
])('%s', (host, expected) => {
  expect(isNeverAsked(host)).toBe(expected);
});

describe('resolving a name', () => {
  const resolving = (found: LookupAddress[] | Error) =>
    makeGuardedLookup((_host, _options, done) => (found instanceof Error ? done(found, []) : done(null, found)));
  const ask = (found: LookupAddress[] | Error, all: boolean): Promise<unknown> =>
    new Promise((resolve) => {
      resolving(found)('registry.example', { all }, (error, address, family) => resolve(error ? error.message : all ? address : [address, family]));
    });
  const good = { address: '10.0.0.1', family: 4 };

  it('gives what was found, in the form that was asked for', async () => {
    expect(await ask([good], true)).toEqual([good]);
    expect(await ask([good, { address: '::1', family: 6 }], false)).toEqual(['10.0.0.1', 4]);
  });

  it('fails when any of it is never asked', async () => {
    for (const all of [true, false]) {
      expect(await ask([{ address: '169.254.169.254', family: 4 }], all)).toContain('metadata');
      expect(await ask([good, { address: 'fe80::1', family: 6 }], all)).toContain('metadata');
      expect(await ask([good, { address: '::ffff:169.254.169.254', family: 6 }], all)).toContain('metadata');
    }
  });

  it('passes on that there is nothing', async () => {
    expect(await ask(new Error('ENOTFOUND'), true)).toBe('ENOTFOUND');
    expect(await ask([], true)).toContain('no address');
  });
});
