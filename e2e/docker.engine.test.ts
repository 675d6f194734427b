import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Client } from '@sodate/client/make-client.ts';
import { createDataset } from '@sodate/contract/datasets.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { createGitEndpoint } from '@sodate/contract/git.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { listNodes } from '@sodate/contract/nodes.ts';
import { deleteRegistryCredential, putRegistryCredential } from '@sodate/contract/registries.ts';
import { getLog, getRun, listAttempts, type Run } from '@sodate/contract/run-routes.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { createTenant } from '@sodate/contract/tenants.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { LABELS } from '../server/executors/docker/container-spec.ts';
import { engineOrReason, type TestEngine } from '../server/executors/docker/testing/test-engine.ts';
import { provideTestImages, TEST_IMAGES } from '../server/executors/docker/testing/test-images.ts';
import { provideTestRegistry, REGISTRY_USER, whyNoRegistry } from '../server/executors/docker/testing/test-registry.ts';
import { findContainers, findDockerTraces } from './docker-traces.ts';
import { endProcessesOf, processesOf } from './home-processes.ts';
import { findTraces } from './home-traces.ts';
import { CHECKOUT, makeProgram } from './program.ts';
import { makeTenant, TENANT, untilState } from './run-task.ts';
import { freePort } from '../server/kit/testing/free-port.ts';
import { beginProcess, makeTestHome, type Running, signInAsAdmin, type TestHome } from './test-home.ts';
import { until } from './until.ts';

/** Whole servers and containers: seconds on an idle machine, a minute on a loaded one. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const engine = await engineOrReason();
const whyNot = typeof engine === 'string' ? engine : null;
const named = (title: string, reason: string | null): string => (reason === null ? title : `${title} (skipped: ${reason})`);
const here = (): TestEngine => {
  if (typeof engine === 'string') throw new Error(engine);
  return engine;
};
afterAll(async () => {
  if (typeof engine !== 'string') await engine.close();
});

const NETWORKS = '10.214.0.0/16';
const RESOURCES = { cpu: 0.5, memory: 100_000_000, gpus: 0 };

/** What `./sodate` would do first; under this very test run it must not exchange the packages. */
function whyNoDemo(): string | null {
  const [wanted, installed] = [path.join(CHECKOUT, 'package-lock.json'), path.join(CHECKOUT, 'node_modules/.sodate-lock')];
  const current = existsSync(installed) && readFileSync(wanted).equals(readFileSync(installed));
  if (!current) return 'the packages here were not installed by ./sodate, which would install them anew; run ./sodate test';
  return spawnSync('docker', ['--version']).error === undefined ? null : 'the program docker is not installed';
}
const noDemo = whyNoDemo();

describe.skipIf(whyNot !== null)(named('the program with a container engine', whyNot), () => {
  it.skipIf(noDemo !== null)(named('./sodate demo --once --json --executor docker trains, infers and leaves nothing behind', noDemo), async () => {
    const { docker, host } = here();
    const folder = await mkdtemp(path.join(tmpdir(), 'sodate-e2e-demo-'));
    onTestFinished(async () => {
      await endProcessesOf(folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    });
    const base = { PATH: process.env['PATH'], HOME: path.join(folder, 'user'), TMPDIR: path.join(folder, 'tmp') };
    await Promise.all([mkdir(base.HOME), mkdir(base.TMPDIR)]);
    const before = new Set((await docker.listImages()).map(({ Id }) => Id));
    const { code, stdout, stderr } = await beginProcess([path.join(CHECKOUT, 'sodate'), 'demo', '--once', '--json', '--executor', 'docker'], {
      ...base,
      DOCKER_HOST: host,
      SODATE_DOCKER_NETWORKS: NETWORKS,
      SODATE_JOB_PORT: String(await freePort()),
    }).ended;
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { accuracy: number };
    expect(result).toMatchObject({ training: 'succeeded', inference: 'succeeded' });
    expect(result.accuracy).toBeGreaterThanOrEqual(0.95);
    expect(await processesOf(folder)).toEqual([]);
    expect((await readdir(base.TMPDIR)).filter((name) => !/^(tsx-|node-compile-cache)/.test(name))).toEqual([]);
    expect(await docker.listContainers({ all: true })).toEqual([]);
    expect((await docker.listVolumes()).Volumes ?? []).toEqual([]);
    // The image stays for the next demo, by design.
    const images = (await docker.listImages()).filter(({ Id }) => !before.has(Id));
    expect(images.flatMap(({ RepoTags }) => RepoTags ?? [])).toEqual([`sodate-demo:node-${process.versions.node}`]);
    for (const { Id } of images) await docker.getImage(Id).remove();
    expect((await docker.listNetworks()).map(({ Name }) => Name).filter((name) => name.startsWith('sodate-'))).toEqual([]);
  });

  describe('local,docker', () => {
    interface World {
      readonly home: TestHome;
      readonly server: Running & { readonly url: string };
      readonly client: Client;
      readonly installation: string;
      readonly jobPort: number;
      readonly gitRoot: string;
    }
    const held: { world: World | null } = { world: null };
    const world = (): World => {
      if (held.world === null) throw new Error('The server has not been started');
      return held.world;
    };
    const cleanUps: (() => Promise<void>)[] = [];
    beforeAll(async () => {
      await provideTestImages(here().docker);
      const program = await makeProgram();
      cleanUps.push(() => program.remove());
      const jobPort = await freePort();
      const gitRoot = await mkdtemp(path.join(tmpdir(), 'sodate-e2e-git-'));
      cleanUps.push(() => rm(gitRoot, { recursive: true, force: true }));
      const home = await makeTestHome(program.file, {
        environment: {
          SODATE_EXECUTORS: 'local,docker',
          DOCKER_HOST: here().host,
          SODATE_DOCKER_NETWORKS: NETWORKS,
          SODATE_JOB_PORT: String(jobPort),
          SODATE_GIT_ROOT: gitRoot,
          // On all addresses, also on those of containers' networks: only the firewall is between.
          SODATE_HOST: '0.0.0.0',
        },
      });
      cleanUps.push(() => home.remove());
      const server = await home.up();
      const url = `http://127.0.0.1:${new URL(server.url).port}`;
      const client = await signInAsAdmin(url);
      await makeTenant(client);
      held.world = { home, server: { ...server, url }, client, installation: (await client.call(getHealth)).installation, jobPort, gitRoot };
    });
    afterAll(async () => {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    });

    const params = { tenant: TENANT };
    async function runIn(image: string, command: string): Promise<{ readonly run: Run; readonly log: string }> {
      const { client } = world();
      const { id } = await client.call(startTask, { params, body: { name: `in ${image}`, image, command, resources: RESOURCES } });
      const run = await untilState(client, id, 'succeeded', 'failed', 'cancelled');
      return { run, log: await logOf(id) };
    }
    async function logOf(run: string): Promise<string> {
      return (await world().client.bytes(getLog, { params: { ...params, run } })).text();
    }

    it('are one node; host is a process of the machine, an image a container of it', async () => {
      const { client } = world();
      const { items } = await client.call(listNodes);
      expect(items).toHaveLength(1);
      expect(items[0]?.executors.map(({ id, images }) => ({ id, images }))).toEqual(
        expect.arrayContaining([
          { id: 'local', images: ['host'] },
          { id: 'docker', images: 'any' },
        ]),
      );
      expect(items[0]?.executors).toHaveLength(2);
      const script = 'if [ -e /.dockerenv ]; then echo container; else echo process; fi; exit 3';
      const onHost = await runIn('host', script);
      expect(onHost).toMatchObject({ run: { state: 'failed', exitCode: 3, failure: { class: 'user-error' } }, log: 'process\n' });
      const container = await runIn(TEST_IMAGES.bash, script);
      expect(container).toMatchObject({ run: { state: 'failed', exitCode: 3, failure: { class: 'user-error' } }, log: 'container\n' });
      const attemptOf = async (run: Run) => (await client.call(listAttempts, { params: { ...params, run: run.id } })).items;
      expect(await attemptOf(onHost.run)).toMatchObject([{ executor: 'local', imageDigest: null }]);
      expect(await attemptOf(container.run)).toMatchObject([
        { executor: 'docker', isolation: 'container', imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), exitCode: 3 },
      ]);
      expect(onHost.run.node).toBe(container.run.node);
    });

    const noRegistry = whyNoRegistry();
    it.skipIf(noRegistry !== null)(
      named('pull from a private registry with the credential of the tenant, and say what is missing without', noRegistry),
      async () => {
        const { client } = world();
        const registry = await provideTestRegistry({ withPassword: true });
        onTestFinished(() => registry.close());
        const image = await registry.push(here().docker, TEST_IMAGES.sh, 'team/private:1');
        const without = await runIn(image, 'echo pulled');
        expect(without.run).toMatchObject({
          state: 'failed',
          exitCode: null,
          failure: { class: 'image-pull', message: expect.stringContaining('wants a credential') },
        });
        await client.call(putRegistryCredential, { params: { ...params, host: registry.address }, body: REGISTRY_USER });
        expect(await runIn(image, 'echo pulled')).toMatchObject({ run: { state: 'succeeded', exitCode: 0 }, log: 'pulled\n' });
        await client.call(putRegistryCredential, { params: { ...params, host: registry.address }, body: { ...REGISTRY_USER, password: 'another' } });
        const wrong = await runIn(image, 'echo pulled');
        expect(wrong.run).toMatchObject({
          state: 'failed',
          failure: { class: 'image-pull', message: expect.stringContaining('refuses the stored credential') },
        });
        await client.call(deleteRegistryCredential, { params: { ...params, host: registry.address } });
        // The image is on the engine by now, but whoever shows no credential to its registry may not have it.
        expect((await runIn(image, 'echo pulled')).run).toMatchObject({ state: 'failed', failure: { class: 'image-pull' } });
      },
    );

    it('let a training reach the platform by KQI_SERVER, and not by the port of people', async () => {
      const { client, server, installation, jobPort, gitRoot } = world();
      const repository = path.join(gitRoot, 'model');
      await mkdir(repository);
      const git = (...args: string[]) => promisify(execFile)('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], { cwd: repository });
      await git('init', '--quiet');
      await writeFile(path.join(repository, 'main.sh'), 'true\n');
      await git('add', '--all');
      await git('commit', '--quiet', '--message', 'A model');
      await client.call(createGitEndpoint, { body: { name: 'local', kind: 'local', root: gitRoot } });
      const dataset = await client.call(createDataset, { params, body: { name: 'empty', flatEntries: [] } });
      const people = new URL(server.url).port;
      const command = [
        'echo "$KQI_SERVER"',
        'timeout 20 wget -q -O - "$KQI_SERVER/v1/health"; echo " $?"',
        `timeout 5 wget -q -O - "http://sodate:${people}/v1/health"; [ $? -ne 0 ] && echo closed`,
      ].join('\n');
      const submitted = await client.call(startTraining, {
        params,
        body: {
          name: 'asks the platform',
          image: TEST_IMAGES.bash,
          command,
          resources: RESOURCES,
          dataset: String(dataset.number),
          git: { repository: 'model' },
        },
      });
      expect(await untilState(client, submitted.id, 'succeeded')).toMatchObject({ exitCode: 0 });
      // What bash and wget themselves have to say does not matter.
      const lines = (await logOf(submitted.id)).split('\n').filter((line) => !/^(\/bin\/bash|wget): /.test(line));
      expect(lines).toEqual([`http://sodate:${jobPort}`, expect.stringMatching(/^\{"status":"ok".*\} 0$/), 'closed', '']);
      // The server does listen there for people: on this machine it answers at that very address.
      const networks = await here().docker.listNetworks({ filters: { label: [`${LABELS.installation}=${installation}`] } });
      const gateways = networks.map(({ IPAM }) => IPAM?.Config?.[0]?.Gateway);
      expect(gateways).toHaveLength(1);
      expect((await fetch(`http://${gateways[0]}:${people}/v1/health`)).ok).toBe(true);
    });

    it('refuse what a tenant may not use', async () => {
      const { client } = world();
      await client.call(createTenant, { body: { name: 'containers-only', executors: ['docker'] } });
      const body = { name: 'a task', command: 'true', resources: RESOURCES };
      const refused = await client.call(startTask, { params: { tenant: 'containers-only' }, body: { ...body, image: 'host' } }).then(
        () => null,
        (error: unknown) => error,
      );
      expect(isSodateError(refused) && refused.code).toBe('image-not-supported');
      const taken = await client.call(startTask, { params: { tenant: 'containers-only' }, body: { ...body, image: TEST_IMAGES.bash } });
      await until('what it may use has run', async () => {
        const run = await client.call(getRun, { params: { tenant: 'containers-only', run: taken.id } });
        return run.state === 'succeeded';
      });
    });

    it('leave nothing of their jobs in the home or on the engine', async () => {
      const { home, server, installation } = world();
      process.kill(server.pid, 'SIGTERM');
      expect((await server.ended).code).toBe(0);
      expect(await findContainers(here().docker, installation)).toEqual([]);
      expect(await findTraces(home.folder, installation)).toEqual([]);
      expect(await findDockerTraces({ docker: here().docker, home: home.folder, installation })).toEqual([]);
    });
  });
});
