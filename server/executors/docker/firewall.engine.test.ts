import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { FirewallPolicy } from './firewall-rules.ts';
import { type Firewall, makeFirewall } from './firewall.ts';
import { keepEnginesAway } from './testing/test-engine.ts';

const iptables = async (...args: string[]): Promise<string> => (await promisify(execFile)('iptables', ['-w', '10', ...args])).stdout;
const whyNot = await iptables('-S').then(
  () => null,
  (error: Error) => `iptables cannot be used here: ${error.message.split('\n')[0]}`,
);

const letEnginesCome = whyNot === null ? await keepEnginesAway() : async () => {};
afterAll(() => letEnginesCome());

const made: Firewall[] = [];
/** Nothing on this machine has bridges with such names, so the rules catch nothing. No installation has such a prefix either. */
const policy = (): FirewallPolicy => ({ bridgePrefix: `fw${randomBytes(3).toString('hex')}-`, doorPort: 7364, deny: 'private', allowed: ['10.1.2.3'] });
const make = async (of: FirewallPolicy): Promise<Firewall> => {
  const firewall = await makeFirewall(of);
  made.push(firewall);
  return firewall;
};
afterEach(async () => {
  for (const firewall of made.splice(0)) await firewall.remove();
});

describe(`the host's firewall${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const test = it.skipIf(whyNot !== null);

  test('gets the rules, once, however often and by whomever they are set', async () => {
    const of = policy();
    const [one, other] = [await make(of), await make(of)];
    expect(one.warning).toBeNull();
    expect(await one.describe()).toEqual([]);
    await Promise.all([one.ensure(), one.ensure()]);
    const rules = await one.describe();
    expect(rules.filter((line) => line.includes(`${of.bridgePrefix}+ -j SODATE-`)).length).toBe(3 * (rules.some((line) => line.startsWith('IPv6: ')) ? 2 : 1));
    expect(rules.some((line) => line.includes('169.254.0.0/16') && line.includes('REJECT'))).toBe(true);
    await other.ensure();
    await one.ensure();
    expect(await one.describe()).toEqual(rules);
  });

  test('gets them again when they were flushed, changed or taken in part', async () => {
    const of = policy();
    const firewall = await make(of);
    const chain = `SODATE-${of.bridgePrefix.slice(0, -1)}`;
    await firewall.ensure();
    const rules = (await firewall.describe()).toSorted();
    const harms: (() => Promise<unknown>)[] = [
      () => iptables('-D', 'INPUT', '-i', `${of.bridgePrefix}+`, '-j', `${chain}-IN`),
      () => iptables('-F', `${chain}-FWD`),
      () => iptables('-D', `${chain}-IN`, '5'),
      () => iptables('-I', `${chain}-IN`, '1', '-j', 'ACCEPT'),
      () => firewall.remove(),
    ];
    for (const harm of harms) {
      await harm();
      expect((await firewall.describe()).toSorted()).not.toEqual(rules);
      await firewall.ensure();
      expect((await firewall.describe()).toSorted()).toEqual(rules);
    }
  });

  test('keeps those of two installations apart', async () => {
    const [one, other] = [await make(policy()), await make(policy())];
    await Promise.all([one.ensure(), other.ensure()]);
    const rules = await other.describe();
    expect(rules.length).toBeGreaterThan(0);
    await one.remove();
    await one.remove();
    expect([await one.describe(), await other.describe()]).toEqual([[], rules]);
  });

  test('sets them anew when the policy has changed', async () => {
    const of = policy();
    await (await make(of)).ensure();
    const open = await make({ ...of, deny: 'link-local' });
    await open.ensure();
    expect((await open.describe()).filter((line) => line.includes('-d 172.16.0.0/12'))).toEqual([]);
  });

  test('says what stays reachable where it may not be changed, and changes nothing', async () => {
    // The same program as a user who may not.
    const code = `
      const { makeFirewall } = await import('./server/executors/docker/firewall.ts');
      const firewall = await makeFirewall(${JSON.stringify(policy())});
      await firewall.ensure();
      console.log(JSON.stringify([firewall.warning, await firewall.describe()]));
      await firewall.remove();`;
    const root = new URL('../../../', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '--import', 'tsx', '--input-type=module', '-e', code],
      { cwd: root },
    );
    const [warning, rules] = JSON.parse(stdout) as [string, string[]];
    expect(warning).toMatch(/cannot set the machine's firewall \(iptables: .*\).*metadata service/);
    expect(rules).toEqual([]);
  });
});
