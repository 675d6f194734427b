import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Addresses that no registry and no git server has, whoever registered it: link-local ones, and those under which clouds give their
 * machines' own credentials to whoever asks from inside.
 */
const neverAsked = new BlockList();
neverAsked.addSubnet('169.254.0.0', 16, 'ipv4');
neverAsked.addSubnet('fe80::', 10, 'ipv6');
neverAsked.addAddress('fd00:ec2::254', 'ipv6');
neverAsked.addAddress('fd20:ce::254', 'ipv6');
neverAsked.addAddress('100.100.100.200', 'ipv4');
neverAsked.addAddress('168.63.129.16', 'ipv4');
neverAsked.addAddress('192.0.0.192', 'ipv4');

/** @param host a host name or an address, an IPv6 one with or without brackets; names are never refused here */
export function isNeverAsked(host: string): boolean {
  const address = host.replaceAll(/^\[|\]$|%.*$/g, '');
  const family = isIP(address);
  return family !== 0 && neverAsked.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

export class AddressNotAllowed extends Error {
  constructor(host: string) {
    super(`${host} leads to a link-local or metadata address`);
  }
}

/** How one resolves a name to all of its addresses. */
type Resolve = (host: string, options: LookupOptions & { all: true }, done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void) => void;

/**
 * Resolves names for a connection, and fails when any address is one that is never asked. The connection goes to what
 * was looked at here: a name that means something else a moment later gains nothing.
 */
export function makeGuardedLookup(resolve: Resolve = lookup): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      const [first] = found ?? [];
      if (error || !first) return done(error ?? new Error(`${host} has no address`), '', 4);
      if (found.some(({ address }) => isNeverAsked(address))) return done(new AddressNotAllowed(host), '', 4);
      if (options.all) return done(null, found);
      return done(null, first.address, first.family);
    });
  };
}
