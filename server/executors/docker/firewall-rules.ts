/** What a host's firewall shall do with the traffic of our tenants' networks. Static: it does not change as networks come and go. */
export interface FirewallPolicy {
  /** What the names of our bridges begin with, and no other interface's: `sd3f9a1c-`. */
  readonly bridgePrefix: string;
  /** The TCP port of the door for jobs on each network's gateway address. */
  readonly doorPort: number;
  /**
   * What containers may not reach beyond this machine. `link-local`: what no job ever needs, the metadata services of
   * clouds first. `private`: private networks too, except `allowed`.
   */
  readonly deny: 'link-local' | 'private';
  /** IPv4 addresses or networks (`10.1.2.3`, `10.1.0.0/16`) that stay reachable though they are private, never link-local ones. */
  readonly allowed: readonly string[];
}

export interface FirewallRules {
  /** Names of our own chains, and what is in them as arguments of `iptables -A`. */
  readonly chains: Readonly<Record<string, readonly string[]>>;
  /** What leads there, first in a chain of the system; `forward` stands for the one that Docker leaves to administrators. */
  readonly jumps: readonly { readonly from: 'INPUT' | 'forward'; readonly rule: string }[];
}

/** Where clouds answer who a machine is and with which rights. Most are link-local; these are not. */
const METADATA_ADDRESSES = [
  '169.254.0.0/16',
  '100.100.100.200/32', // Alibaba Cloud
  '168.63.129.16/32', // Azure
  '192.0.0.192/32', // Oracle Cloud, classic
];
const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
/** "This" network, multicast, and what ends in the broadcast address: nothing of it leads to one host. */
const NOT_ONE_HOST = ['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'];

const inputChain = (policy: FirewallPolicy): string => `SODATE-${policy.bridgePrefix.replace(/-$/, '')}-IN`;
const forwardChain = (policy: FirewallPolicy): string => `SODATE-${policy.bridgePrefix.replace(/-$/, '')}-FWD`;

function jumps(policy: FirewallPolicy): FirewallRules['jumps'] {
  return [
    { from: 'INPUT', rule: `-i ${policy.bridgePrefix}+ -j ${inputChain(policy)}` },
    { from: 'forward', rule: `-i ${policy.bridgePrefix}+ -j ${forwardChain(policy)}` },
    { from: 'forward', rule: `-o ${policy.bridgePrefix}+ -j ${forwardChain(policy)}` },
  ];
}

/** @throws Error about an option that is not what it should be */
export function ipv4Rules(policy: FirewallPolicy): FirewallRules {
  checkPolicy(policy);
  const from = `-i ${policy.bridgePrefix}+`;
  const to = `-o ${policy.bridgePrefix}+`;
  return {
    chains: {
      [inputChain(policy)]: [
        // Answers to what the host itself began, such as an opened port of a job.
        '-m conntrack --ctstate ESTABLISHED -j ACCEPT',
        '-p icmp -m conntrack --ctstate RELATED -j ACCEPT',
        // Only the address on the interface that the packet came in on: a tenant's own gateway, none of the others.
        `-p tcp -m tcp --dport ${policy.doorPort} -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT`,
        '-p tcp -j REJECT --reject-with tcp-reset',
        '-j REJECT --reject-with icmp-port-unreachable',
      ],
      [forwardChain(policy)]: [
        ...METADATA_ADDRESSES.map((address) => `${from} -d ${address} -j REJECT --reject-with icmp-port-unreachable`),
        // Between two containers on one bridge, where the kernel shows us such frames at all.
        '-m physdev --physdev-is-bridged -j RETURN',
        `${to} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN`,
        `${to} -j REJECT --reject-with icmp-port-unreachable`,
        // A port of the host that leads elsewhere, such as another container's published one, is a service of the host.
        `${from} -m conntrack --ctstate DNAT -j REJECT --reject-with icmp-port-unreachable`,
        ...NOT_ONE_HOST.map((network) => `${from} -d ${network} -j DROP`),
        ...(policy.deny === 'private'
          ? [
              ...policy.allowed.map((network) => `${from} -d ${network} -j RETURN`),
              ...PRIVATE_NETWORKS.map((network) => `${from} -d ${network} -j REJECT --reject-with icmp-port-unreachable`),
            ]
          : []),
      ],
    },
    jumps: jumps(policy),
  };
}

/** Our networks have no IPv6: whatever of it comes is somebody's own doing, and goes nowhere. */
export function ipv6Rules(policy: FirewallPolicy): FirewallRules {
  checkPolicy(policy);
  return { chains: { [inputChain(policy)]: ['-j DROP'], [forwardChain(policy)]: ['-j DROP'] }, jumps: jumps(policy) };
}

/** What `iptables -S` printed: one rule a line, in its own spelling. */
export const rulesOfChains = (listing: string, chains: readonly string[]): readonly string[] =>
  listing.split('\n').filter((line) => chains.some((chain) => line === `-N ${chain}` || line.startsWith(`-A ${chain} `) || line.endsWith(` -j ${chain}`)));

/**
 * Docker's own chain for administrators comes before all that Docker adds, also later; but only where Docker keeps rules,
 * and as long as nobody has flushed what leads there.
 */
export const forwardParent = (listing: string): 'DOCKER-USER' | 'FORWARD' =>
  listing.split('\n').includes('-A FORWARD -j DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD';

const parentOf = (jump: FirewallRules['jumps'][number], listing: string): string => (jump.from === 'forward' ? forwardParent(listing) : jump.from);

/** Input of `iptables-restore --noflush` that sets the rules in one go, whatever of them is there: packets never see a half of them. */
export function setRules(rules: FirewallRules, listing: string): string {
  const lines = listing.split('\n');
  return [
    '*filter',
    ...Object.keys(rules.chains).map((chain) => `:${chain} - [0:0]`),
    ...Object.entries(rules.chains).flatMap(([chain, contents]) => contents.map((rule) => `-A ${chain} ${rule}`)),
    ...rules.jumps.flatMap((jump) => {
      const parent = parentOf(jump, listing);
      return lines.includes(`-A ${parent} ${jump.rule}`) ? [] : [`-I ${parent} 1 ${jump.rule}`];
    }),
    'COMMIT',
    '',
  ].join('\n');
}

/** Input of `iptables-restore --noflush` that takes our rules away; null when there are none. */
export function unsetRules(rules: FirewallRules, listing: string): string | null {
  const chains = Object.keys(rules.chains);
  const found = rulesOfChains(listing, chains);
  if (found.length === 0) return null;
  const there = chains.filter((chain) => found.includes(`-N ${chain}`));
  const jumping = found.filter((line) => !chains.some((chain) => line === `-N ${chain}` || line.startsWith(`-A ${chain} `)));
  return [
    '*filter',
    ...jumping.map((line) => line.replace(/^-A/, '-D')),
    ...there.map((chain) => `-F ${chain}`),
    ...there.map((chain) => `-X ${chain}`),
    'COMMIT',
    '',
  ].join('\n');
}

/** All of it goes into a file of rules: nothing may be more than it should be. */
function checkPolicy({ bridgePrefix, doorPort, allowed }: FirewallPolicy): void {
  if (!/^[a-z0-9]{1,12}-$/.test(bridgePrefix)) throw new Error(`The bridges' prefix must be letters and digits with a hyphen behind them, not ${bridgePrefix}`);
  if (!Number.isInteger(doorPort) || doorPort < 1 || doorPort > 65_535)
    throw new Error(`The port of the door for jobs must be from 1 to 65535, not ${doorPort}`);
  for (const network of allowed) {
    const [, address = '', length = '32'] = /^(\d{1,3}(?:\.\d{1,3}){3})(?:\/(\d{1,2}))?$/.exec(network) ?? [];
    if (address === '' || address.split('.').some((part) => Number(part) > 255) || Number(length) > 32)
      throw new Error(`${network} is not an IPv4 address or network such as 10.1.2.3 or 10.1.0.0/16`);
  }
}
