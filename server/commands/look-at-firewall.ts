import { type Finding, good } from '#commands/finding.ts';
import { dockerFolder, openTenantNetworks } from '#commands/make-executors.ts';
import type { Config } from '#config/config.ts';
import { LABELS } from '#executors/docker/container-spec.ts';
import type { EngineClient } from '#executors/docker/docker-client.ts';
import { readdir } from 'node:fs/promises';

const ABOUT = 'firewall of containers';

/** Whether the rules that keep containers from this machine and from each other are in force. Changes nothing. */
export async function lookAtFirewall(config: Config, engine: EngineClient): Promise<readonly Finding[]> {
  // Each installation that ever ran containers from this home has a folder of its own; more than one after a restore only.
  const installations = await readdir(dockerFolder(config.home)).catch(() => []);
  const findings: Finding[] = [];
  for (const installation of installations.length === 0 ? [null] : installations) findings.push(await lookAtRules(config, engine, installation));
  return findings;
}

async function lookAtRules(config: Config, engine: EngineClient, installation: string | null): Promise<Finding> {
  const door = { listenOn: async () => {}, leave: async () => {} };
  const networks = await openTenantNetworks(config, engine, { installation: installation ?? 'none yet', door });
  if (networks.firewallWarning !== null)
    return { about: ABOUT, verdict: 'worse', found: 'cannot be set by this user on this machine', mend: networks.firewallWarning };
  const label = `${LABELS.installation}=${installation}`;
  const present = installation === null ? [] : await engine.call((docker) => docker.listNetworks({ filters: { label: [label] } }));
  if (present.length === 0) return good(ABOUT, 'set when the first container starts');
  const rules = await networks.describeFirewall();
  const those = present.length === 1 ? '1 network' : `${present.length} networks`;
  if (rules.length > 0) return good(ABOUT, `${rules.length} rules in force for ${those} (iptables -S | grep SODATE)`);
  return {
    about: ABOUT,
    verdict: 'worse',
    found: `no rules in force for ${those} of containers`,
    mend: 'The server sets them every 10 seconds: start it as root, and look into its log.',
  };
}
