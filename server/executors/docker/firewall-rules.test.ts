import { describe, expect, it } from 'vitest';
import { type FirewallPolicy, forwardParent, ipv4Rules, ipv6Rules, rulesOfChains, setRules, unsetRules } from './firewall-rules.ts';

const POLICY: FirewallPolicy = { bridgePrefix: 'sdabc123-', doorPort: 7364, deny: 'link-local', allowed: [] };
const DOCKER = ['-P INPUT ACCEPT', '-P FORWARD DROP', '-N DOCKER-USER', '-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -j RETURN'].join('\n');
const JUMPS = {
  input: 'INPUT -i sdabc123-+ -j SODATE-sdabc123-IN',
  in: 'DOCKER-USER -i sdabc123-+ -j SODATE-sdabc123-FWD',
  out: 'DOCKER-USER -o sdabc123-+ -j SODATE-sdabc123-FWD',
};

describe('the rules', () => {
  it('let containers to one port of the host, and refuse the rest last', () => {
    const input = ipv4Rules(POLICY).chains['SODATE-sdabc123-IN'] ?? [];
    expect(input.filter((rule) => rule.endsWith('ACCEPT') && !rule.includes('conntrack'))).toEqual([
      '-p tcp -m tcp --dport 7364 -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT',
    ]);
    expect(input.at(-1)).toBe('-j REJECT --reject-with icmp-port-unreachable');
  });

  it('close metadata addresses before anything is let through', () => {
    const forward = ipv4Rules({ ...POLICY, deny: 'private', allowed: ['169.254.0.0/16'] }).chains['SODATE-sdabc123-FWD'] ?? [];
    const first = forward.findIndex((rule) => rule.endsWith('RETURN'));
    for (const address of ['169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32']) {
      const at = forward.indexOf(`-i sdabc123-+ -d ${address} -j REJECT --reject-with icmp-port-unreachable`);
      expect([address, at >= 0 && at < first]).toEqual([address, true]);
    }
  });

  it('close private networks only where that is wanted, and not what is allowed', () => {
    const of = (policy: FirewallPolicy): readonly string[] =>
      (ipv4Rules(policy).chains['SODATE-sdabc123-FWD'] ?? []).filter((rule) => /-d (10|172|192\.168)\./.test(rule));
    expect(of(POLICY)).toEqual([]);
    expect(of({ ...POLICY, deny: 'private', allowed: ['10.1.2.3', '10.8.0.0/16'] }).map((rule) => rule.replace(/.* -d (\S+) -j (\w+).*/, '$1 $2'))).toEqual([
      '10.1.2.3 RETURN',
      '10.8.0.0/16 RETURN',
      '10.0.0.0/8 REJECT',
      '172.16.0.0/12 REJECT',
      '192.168.0.0/16 REJECT',
    ]);
  });

  it('let nothing of IPv6 through', () => {
    expect(Object.values(ipv6Rules(POLICY).chains)).toEqual([['-j DROP'], ['-j DROP']]);
  });

  it('have names that the kernel takes', () => {
    for (const name of Object.keys(ipv4Rules({ ...POLICY, bridgePrefix: 'sdabcdefabcd-' }).chains)) expect(name.length).toBeLessThanOrEqual(28);
  });

  it.each<[string, Partial<FirewallPolicy>]>([
    ['a prefix of all interfaces', { bridgePrefix: '' }],
    ['a prefix with a wildcard', { bridgePrefix: 'e+-' }],
    ['a prefix with a second rule', { bridgePrefix: 'a-\n-F INPUT\n-' }],
    ['no port', { doorPort: 0 }],
    ['a network with a rule behind it', { allowed: ['10.0.0.0/8 -j ACCEPT\n-F'] }],
    ['a name', { allowed: ['registry.example.org'] }],
    ['an address that is none', { allowed: ['10.0.0.256'] }],
    ['a network that is none', { allowed: ['10.0.0.0/33'] }],
    ['IPv6', { allowed: ['fd00::/8'] }],
  ])('refuse %s', (_what, change) => {
    expect(() => ipv4Rules({ ...POLICY, ...change })).toThrow(/must be|is not/);
    expect(() => ipv6Rules({ ...POLICY, ...change })).toThrow(/must be|is not/);
  });
});

describe('setting them', () => {
  const rules = ipv4Rules(POLICY);

  it("uses Docker's chain for administrators where it is in use, else FORWARD", () => {
    expect(forwardParent(DOCKER)).toBe('DOCKER-USER');
    expect(forwardParent(DOCKER.replace('-A FORWARD -j DOCKER-USER\n', ''))).toBe('FORWARD');
    expect(setRules(rules, DOCKER)).toContain(`\n-I ${JUMPS.in.replace(' ', ' 1 ')}\n`);
    expect(setRules(rules, '')).toContain('\n-I FORWARD 1 -i sdabc123-+ -j SODATE-sdabc123-FWD\n');
  });

  it('adds only the jumps that are missing, and the chains always', () => {
    const text = setRules(rules, `${DOCKER}\n-A ${JUMPS.input}\n-A ${JUMPS.out}`);
    expect(text.split('\n').filter((line) => line.startsWith('-I'))).toEqual([`-I ${JUMPS.in.replace(' ', ' 1 ')}`]);
    expect(text.match(/^:SODATE-sdabc123-(IN|FWD) - \[0:0\]$/gm)).toHaveLength(2);
    expect(text).toMatch(/^\*filter\n[^]*\nCOMMIT\n$/);
  });

  it('is undone, twice the same jump too, and leaves what is not ours', () => {
    const others = '-A INPUT -i sdffffff-+ -j SODATE-sdffffff-IN\n-N SODATE-sdffffff-IN\n-A SODATE-sdffffff-IN -j DROP';
    expect(unsetRules(rules, `${DOCKER}\n${others}`)).toBeNull();
    const text = unsetRules(
      rules,
      [DOCKER, others, '-N SODATE-sdabc123-IN', `-A ${JUMPS.input}`, `-A ${JUMPS.input}`, `-A ${JUMPS.in}`, '-A SODATE-sdabc123-IN -j X'].join('\n'),
    );
    expect(text?.split('\n')).toEqual([
      '*filter',
      `-D ${JUMPS.input}`,
      `-D ${JUMPS.input}`,
      `-D ${JUMPS.in}`,
      '-F SODATE-sdabc123-IN',
      '-X SODATE-sdabc123-IN',
      'COMMIT',
      '',
    ]);
  });

  it('knows its rules from those of others', () => {
    expect(rulesOfChains('-A A -j B\n-A AB -j C\n-N A\n-N AB\n-A X -j A\n-A X -j AB', ['A'])).toEqual(['-A A -j B', '-N A', '-A X -j A']);
  });
});
