import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { LABELS } from '../server/executors/docker/container-spec.ts';
import type { TestEngine } from '../server/executors/docker/testing/test-engine.ts';
import { kill } from './home-processes.ts';
import { until } from './until.ts';

type Docker = TestEngine['docker'];

export interface DockerPlace {
  readonly docker: Docker;
  readonly home: string;
  readonly installation: string;
}

/** Containers of an installation, in whatever state, each as a line for people. */
export async function findContainers(docker: Docker, installation: string): Promise<readonly string[]> {
  const found = await docker.listContainers({ all: true, filters: { label: [`${LABELS.installation}=${installation}`] } });
  return found.map(({ Names, State, Labels }) => `container ${Names.join(' ')} (${State}) of attempt ${Labels[LABELS.attempt] ?? 'none'}`);
}

/**
 * What an engine must not have of an installation whose runs have all ended, and what must not be left of its containers
 * in the home. Each as a line for people.
 *
 * A tenant's network stays until it has been unused for a while, so that the next start finds it; there is one of each,
 * with our labels.
 */
export async function findDockerTraces({ docker, home, installation }: DockerPlace): Promise<readonly string[]> {
  const found: string[] = [...(await findContainers(docker, installation))];
  const networks = (await docker.listNetworks()).filter(({ Name }) => Name.startsWith('sodate-'));
  const tenants = networks.map(({ Labels }) => (Labels?.[LABELS.installation] === installation ? Labels[LABELS.tenantNumber] : undefined));
  for (const [at, tenant] of tenants.entries()) {
    const name = networks[at]?.Name ?? '';
    if (tenant === undefined) found.push(`network ${name} without our labels`);
    else if (tenants.indexOf(tenant) !== at) found.push(`network ${name} is a second one of tenant ${tenant}`);
  }
  for (const { Name } of (await docker.listVolumes()).Volumes ?? []) found.push(`volume ${Name}`);
  const executor = path.join(home, 'executors/docker', installation);
  for (const folder of await readdir(executor).catch(() => []))
    for (const name of await readdir(path.join(executor, folder))) if (name !== 'images.json') found.push(`${executor}/${folder}/${name}`);
  return found;
}

/**
 * An engine that was killed in the middle of a start may leave the runtime's first process, waiting for ever for the word
 * to become the job. It is no job, the engine knows nothing of it when it is back, and so nobody can ask for its removal.
 * Ends those with folders of the home. @returns how many there were
 */
export async function endStuckStarts(home: string): Promise<number> {
  let ended = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))) {
    const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
    if ((await read('cmdline')) !== 'runc\0init\0' || !(await read('mountinfo')).includes(`${home}/`)) continue;
    kill(Number(pid), 'SIGKILL');
    await until(`the stuck start ${pid} has ended`, async () => (await read('mountinfo')) === '');
    ended += 1;
  }
  return ended;
}
