/** An IPv4 network: its first address as a number, and how many bits of it are fixed. */
export interface Subnet {
  readonly first: number;
  readonly length: number;
}

const parseAddress = (text: string): number | null => {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number) ?? [];
  return parts.length === 4 && parts.every((part) => part <= 255) ? parts.reduce((sum, part) => sum * 256 + part, 0) : null;
};

export const formatAddress = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

const sizeOf = (length: number): number => 2 ** (32 - length);

/** Of `10.1.2.3/24` the whole network; null for whatever is no IPv4 network. */
export function parseSubnet(text: string): Subnet | null {
  const [, address = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const [value, length] = [parseAddress(address), Number(bits)];
  if (value === null || bits === '' || length > 32) return null;
  return { first: value - (value % sizeOf(length)), length };
}

export const formatSubnet = ({ first, length }: Subnet): string => `${formatAddress(first)}/${length}`;

/** The host's own address in a tenant's network: the first that a host may have. */
export const gatewayOf = ({ first }: Subnet): string => formatAddress(first + 1);

export const overlaps = (one: Subnet, other: Subnet): boolean => one.first < other.first + sizeOf(other.length) && other.first < one.first + sizeOf(one.length);

/** Networks that the kernel has a route to, from /proc/net/route. Not the default route, which leads everywhere. */
export function parseRoutes(text: string): readonly Subnet[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap((columns) => {
      const [destination = '', mask = ''] = [columns[1], columns[7]];
      if (!/^[0-9A-F]{8}$/i.test(destination) || !/^[0-9A-F]{8}$/i.test(mask)) return [];
      const length = Math.clz32(~fromLittleEndian(mask));
      return length === 0 ? [] : [{ first: fromLittleEndian(destination), length }];
    });
}

/** This machine's own addresses, from /proc/net/fib_trie: a leaf `|-- 10.1.2.3` that says `/32 host LOCAL`. */
export const parseOwnAddresses = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)].map(([, address = '']) => address));

const fromLittleEndian = (hex: string): number => Buffer.from(hex, 'hex').readUInt32LE();

/** Neither for this machine alone, nor for one link, nor for many hosts at once. */
const NOT_FOR_NETWORKS = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].map((text) => parseSubnet(text) as Subnet);

export interface AddressPlan {
  readonly range: Subnet;
  /** Of each tenant's network. */
  readonly length: number;
}

/** @throws Error that says what the range and the length should be */
export function planAddresses(range: string, length: number): AddressPlan {
  const parsed = parseSubnet(range);
  if (parsed === null || NOT_FOR_NETWORKS.some((network) => overlaps(network, parsed)))
    throw new Error(`The address range of tenants' networks must be an IPv4 network such as 10.231.0.0/16, not ${range}`);
  // A /29 has room for five containers beside the gateway; a smaller one is no network of jobs.
  if (!Number.isInteger(length) || length < parsed.length || length > 29)
    throw new Error(`Each tenant's network must have a length from ${parsed.length}, that of the range, to 29, not ${length}`);
  return { range: parsed, length };
}

export const subnetCount = ({ range, length }: AddressPlan): number => 2 ** (length - range.length);

/**
 * The first free network of the range, looked for from the place that `start` names: so a tenant gets the same one again,
 * and two that choose at once rarely the same. Null when all are taken.
 */
export function chooseSubnet(plan: AddressPlan, start: number, taken: readonly Subnet[]): Subnet | null {
  const count = subnetCount(plan);
  for (let step = 0; step < count; step += 1) {
    const subnet = { first: plan.range.first + ((start + step) % count) * sizeOf(plan.length), length: plan.length };
    if (!taken.some((other) => overlaps(subnet, other))) return subnet;
  }
  return null;
}
