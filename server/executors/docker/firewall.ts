import { EngineUnreachable } from '#executors/executor.ts';
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { type FirewallPolicy, type FirewallRules, ipv4Rules, ipv6Rules, rulesOfChains, setRules, unsetRules } from './firewall-rules.ts';

/**
 * Rules of the host's firewall that keep containers from the host's services, from metadata services and from other
 * tenants. They are the installation's, stay when the server ends, as its containers do, and are set again when something
 * else has flushed them.
 */
export interface Firewall {
  /**
   * Sets the rules unless they are in force already. Does nothing where this server may not change them: see `warning`.
   * @throws EngineUnreachable when it may, but it did not work
   */
  ensure(): Promise<void>;
  /** Null where the rules can be set; otherwise what stays reachable, in words for administrators. */
  readonly warning: string | null;
  /** Our rules as they are in force now, as `iptables -S` prints them, IPv6 ones after `IPv6: `. */
  describe(): Promise<readonly string[]>;
  /** Takes our rules away: for the end of an installation, not of a server. Idempotent. */
  remove(): Promise<void>;
}

/** xtables holds one lock for the machine, which a firewall's reload keeps for a while. */
const LOCK_SECONDS = 10;
/** iptables is not where users without an administrator's path find programs. */
const TOOL_ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

interface Family {
  readonly program: 'iptables' | 'ip6tables';
  readonly label: string;
  readonly rules: FirewallRules;
  /** What our rules looked like when we had set them; only saves doing it again. */
  inForce: string | null;
}

export async function makeFirewall(policy: FirewallPolicy): Promise<Firewall> {
  const families: Family[] = [{ program: 'iptables', label: '', rules: ipv4Rules(policy), inForce: null }];
  // A kernel without IPv6 has nothing to guard, and its ip6tables only fails.
  if (await stat('/proc/net/if_inet6').catch(() => null)) families.push({ program: 'ip6tables', label: 'IPv6: ', rules: ipv6Rules(policy), inForce: null });
  const reasons = await Promise.all(families.map(({ program }) => whyNot(program)));
  const reason = reasons.find((each) => each !== null) ?? null;
  const state: { ensuring: Promise<void> | null } = { ensuring: null };

  const ours = (family: Family, listing: string): readonly string[] => rulesOfChains(listing, Object.keys(family.rules.chains));

  async function set(family: Family): Promise<void> {
    const before = await list(family.program);
    // A jump into DOCKER-USER that was fine when made leads nowhere once FORWARD was flushed, so that line counts too.
    const look = (listing: string): string =>
      [...ours(family, listing), ...listing.split('\n').filter((line) => line === '-A FORWARD -j DOCKER-USER')].join('\n');
    if (family.inForce !== null && look(before) === family.inForce) return;
    await run(`${family.program}-restore`, ['--noflush', '-w', String(LOCK_SECONDS)], setRules(family.rules, before));
    family.inForce = look(await list(family.program));
  }

  async function setAll(): Promise<void> {
    try {
      for (const family of families) await set(family);
    } catch (error) {
      throw new EngineUnreachable(
        `The rules of this machine's firewall for containers could not be set: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  return {
    warning: reason === null ? null : warningText(reason),
    ensure() {
      if (reason !== null) return Promise.resolve();
      state.ensuring ??= setAll().finally(() => {
        state.ensuring = null;
      });
      return state.ensuring;
    },
    async describe() {
      if (reason !== null) return [];
      const lines: string[] = [];
      for (const family of families) lines.push(...ours(family, await list(family.program)).map((line) => family.label + line));
      return lines;
    },
    async remove() {
      if (reason !== null) return;
      await state.ensuring?.catch(() => {});
      for (const family of families) {
        const input = unsetRules(family.rules, await list(family.program));
        if (input !== null) await run(`${family.program}-restore`, ['--noflush', '-w', String(LOCK_SECONDS)], input);
        family.inForce = null;
      }
    },
  };
}

const list = (program: Family['program']): Promise<string> => run(program, ['-w', String(LOCK_SECONDS), '-S'], '');

/** Why this server cannot set rules, or null. Asked of the program, since being root is neither enough nor needed. */
async function whyNot(program: Family['program']): Promise<string | null> {
  try {
    await list(program);
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${program} is not installed`;
    return error instanceof Error ? error.message : String(error);
  }
}

const warningText = (reason: string): string =>
  `This server cannot set the machine's firewall (${reason}). Jobs in containers can therefore reach every service of this machine that listens on all its addresses, ` +
  'link-local addresses and the metadata service of a cloud, and private networks. Run the server as root with iptables installed, or close these by a firewall of your own.';

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { env: TOOL_ENVIRONMENT, timeout: 3 * LOCK_SECONDS * 1000, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === 'ENOENT') return reject(error);
      const said = stderr.trim().split('\n')[0] ?? '';
      reject(new Error(`${program}: ${said === '' ? error.message : said}`, { cause: error }));
    });
    // A program that is not there closes its end at once.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
