import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestEngine } from '../../server/executors/docker/testing/test-engine.ts';
import { TEST_IMAGES } from '../../server/executors/docker/testing/test-images.ts';
import type { TestRegistry } from '../../server/executors/docker/testing/test-registry.ts';

export interface ChaosImages {
  readonly names: readonly string[];
  /** As the engine counts it, which is what a budget is for. */
  readonly bytesOfOne: number;
}

/** Images with bash, which are in the registry and not on the engine: whoever runs them pulls them. */
export async function provideChaosImages({ docker }: TestEngine, registry: TestRegistry, count: number): Promise<ChaosImages> {
  const names: string[] = [];
  let bytesOfOne = 0;
  for (let index = 0; index < count; index += 1) {
    const local = `sodate-test/chaos-${index}:1`;
    const container = await docker.createContainer({ Image: TEST_IMAGES.bash, Entrypoint: ['/never-started'], HostConfig: { NetworkMode: 'none' } });
    await container.commit({ repo: 'sodate-test/chaos-' + index, tag: '1', changes: `LABEL sodate.test.index=${index}` });
    await container.remove();
    bytesOfOne = (await docker.getImage(local).inspect()).Size;
    names.push(await registry.push(docker, local, `chaos-${index}:1`));
    await docker.getImage(local).remove();
  }
  return { names, bytesOfOne };
}

/** Those of these names that the engine has now. */
export async function presentImages({ docker }: TestEngine, names: readonly string[]): Promise<readonly string[]> {
  const tags = (await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
  return names.filter((name) => tags.includes(name));
}

/** What the engine has and what the server remembers of it, for whoever reads why a test failed. */
export async function describeImages({ docker }: TestEngine, home: string): Promise<string> {
  const images = (await docker.listImages()).map(({ Id, RepoTags, RepoDigests, Size }) => ({ Id, RepoTags, RepoDigests, Size }));
  const containers = (await docker.listContainers({ all: true })).map(({ Names, ImageID, State }) => ({ Names, ImageID, State }));
  const folder = path.join(home, 'executors', 'docker');
  const files = (await readdir(folder, { recursive: true })).filter((name) => path.basename(name) === 'images.json');
  const remembered = await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')));
  return JSON.stringify({ images, containers, remembered }, null, 2);
}
