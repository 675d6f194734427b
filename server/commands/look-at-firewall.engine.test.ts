import { lookAtFirewall } from '#commands/look-at-firewall.ts';
import { dockerFolder, openTenantNetworks } from '#commands/make-executors.ts';
import { readConfig } from '#config/config.ts';
import { LABELS } from '#executors/docker/container-spec.ts';
import type { EngineClient } from '#executors/docker/docker-client.ts';
import { keepEnginesAway } from '#executors/docker/testing/test-engine.ts';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const whyNot = await promisify(execFile)('iptables', ['-w', '10', '-S']).then(
  () => null,
  (error: Error) => `iptables cannot be used here: ${error.message.split('\n')[0]}`,
);

const letEnginesCome = whyNot === null ? await keepEnginesAway() : async () => {};
afterAll(() => letEnginesCome());

/** The part of an engine that is asked for networks. The firewall is the machine's own; its rules concern bridges that do not exist. */
function engineWith(networks: readonly { readonly installation: string }[]): EngineClient {
  const listNetworks = async ({ filters }: { readonly filters: { readonly label: readonly string[] } }) =>
    networks
      .filter(({ installation }) => filters.label.includes(`${LABELS.installation}=${installation}`))
      .map((_network, at) => ({ Id: `${at}`, Name: `n${at}`, Labels: {}, IPAM: { Config: [{ Gateway: '192.0.2.1' }] } }));
  return { call: async (work: (docker: unknown) => unknown) => work({ listNetworks }) } as unknown as EngineClient;
}

describe.skipIf(whyNot !== null)(`the doctor on the firewall of containers${whyNot === null ? '' : ` (${whyNot})`}`, () => {
  const installation = randomUUID();
  const held = { home: '' };
  const config = () => readConfig({ SODATE_HOME: held.home });
  beforeAll(async () => {
    held.home = await mkdtemp(path.join(tmpdir(), 'sodate-doctor-'));
  });
  afterAll(() => rm(held.home, { recursive: true, force: true }));

  it('says that nothing is set before the first container, whether rules are in force, and what to do when they are not', async () => {
    expect(await lookAtFirewall(config(), engineWith([]))).toMatchObject([{ verdict: 'good', found: 'set when the first container starts' }]);
    await mkdir(path.join(dockerFolder(held.home), installation), { recursive: true });
    expect(await lookAtFirewall(config(), engineWith([{ installation: 'of somebody else' }]))).toMatchObject([{ verdict: 'good' }]);
    const networks = [{ installation }];
    const engine = engineWith(networks);
    expect(await lookAtFirewall(config(), engine)).toMatchObject([
      { verdict: 'worse', found: 'no rules in force for 1 network of containers', mend: expect.stringContaining('start it as root') },
    ]);
    const server = await openTenantNetworks(config(), engine, { installation, door: { listenOn: async () => {}, leave: async () => {} } });
    try {
      await server.refresh();
      expect(await lookAtFirewall(config(), engine)).toMatchObject([{ verdict: 'good', found: expect.stringMatching(/^\d+ rules in force for 1 network /) }]);
    } finally {
      networks.length = 0;
      await server.close({ remove: true });
    }
  });
});
