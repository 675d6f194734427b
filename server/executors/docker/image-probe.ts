import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import { extract } from 'tar-stream';
import { type EngineClient, statusOf } from './docker-client.ts';
import { isAlive, TurnTaker } from './attempt-folder.ts';
import { LABELS } from './container-spec.ts';

/** What of an image decides how a job runs in it. */
export interface ImageFacts {
  readonly id: string;
  /** The digest in its registry; the id for an image that was never in one. */
  readonly digest: string;
  readonly bash: string | null;
  readonly sh: string | null;
  readonly user: { readonly uid: number; readonly gid: number };
}

export type ProbedFacts = Pick<ImageFacts, 'bash' | 'sh' | 'user'>;

const BASHES = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'];
const SHELLS = ['/bin/sh', '/usr/bin/sh', '/bin/dash', '/bin/ash'];
/** A passwd file is some kilobytes; whoever puts more into an image gets numbers only. */
const ACCOUNT_FILE_BYTES = 4 * 2 ** 20;
/** Images differ from run to run in few installations; a forgotten one is looked into again in 50 ms. */
const REMEMBERED = 500;

/** What an image says of itself becomes a label of every container of it: only the name is certainly ours. */
const NAME_PREFIX = 'sodate-probe-';

/** Looks into images through containers that are never started. */
export interface ImageProbe {
  /** Each image is looked into once. */
  look(imageId: string, userOfImage: string): Promise<ProbedFacts>;
  /**
   * Removes the containers of probes that nobody is at any more, because their process died or the engine died under it.
   * Each would keep its image from being removed.
   */
  removeForgotten(): Promise<void>;
}

export function makeImageProbe(engine: EngineClient, installation: string, me: TurnTaker): ImageProbe {
  const known = new Map<string, Promise<ProbedFacts>>();
  const underWay = new Set<string>();

  const probe = async (imageId: string, userOfImage: string): Promise<ProbedFacts> => {
    const name = `${NAME_PREFIX}${randomUUID()}`;
    underWay.add(name);
    try {
      return await probeBy(name, imageId, userOfImage);
    } finally {
      underWay.delete(name);
    }
  };

  const probeBy = async (name: string, imageId: string, userOfImage: string): Promise<ProbedFacts> => {
    const container = await engine.call((docker) =>
      docker.createContainer({
        name,
        Image: imageId,
        Entrypoint: ['/never-started'],
        Labels: { [LABELS.installation]: installation, [LABELS.probe]: JSON.stringify(me) },
        HostConfig: { NetworkMode: 'none' },
      }),
    );
    try {
      const has = (path: string): Promise<boolean> =>
        engine
          .call(async () => {
            await container.infoArchive({ path });
            return true;
          })
          .catch((error: unknown) => {
            if (statusOf(error) === 404 || statusOf(error) === 400) return false;
            throw error;
          });
      const first = async (paths: readonly string[]): Promise<string | null> => {
        for (const path of paths) if (await has(path)) return path;
        return null;
      };
      const read = (path: string): Promise<string> => engine.call(() => readAccountFile(container, path));
      const needsFiles = !/^(\d+:\d+|0|root|)$/.test(userOfImage);
      const [passwd, group] = needsFiles ? [await read('/etc/passwd'), await read('/etc/group')] : ['', ''];
      return { bash: await first(BASHES), sh: await first(SHELLS), user: resolveUser(userOfImage, passwd, group) };
    } finally {
      await removeContainer(engine, container.id);
    }
  };

  return {
    look(imageId, userOfImage) {
      const asked = known.get(imageId) ?? probe(imageId, userOfImage);
      known.delete(imageId);
      known.set(imageId, asked);
      for (const oldest of known.keys()) if (known.size > REMEMBERED) known.delete(oldest);
      return asked.catch((error: unknown) => {
        known.delete(imageId);
        throw error;
      });
    },
    async removeForgotten() {
      const label = [`${LABELS.installation}=${installation}`, LABELS.probe];
      for (const { Id, Names, Labels } of await engine.call((docker) => docker.listContainers({ all: true, filters: { label } }))) {
        if (!Names.some((name) => name.startsWith(`/${NAME_PREFIX}`))) continue;
        const prober = parseProber(Labels[LABELS.probe]);
        const isMine = prober !== null && prober.pid === me.pid && prober.startTicks === me.startTicks && prober.boot === me.boot;
        const isAtWork = isMine ? Names.some((name) => underWay.has(name.slice(1))) : prober !== null && (await isAlive(prober, me));
        if (!isAtWork) await removeContainer(engine, Id);
      }
    },
  };
}

/** null for what nobody wrote who is alive. */
function parseProber(label: string | undefined): TurnTaker | null {
  try {
    return TurnTaker.parse(JSON.parse(label ?? ''));
  } catch {
    return null;
  }
}

async function removeContainer(engine: EngineClient, id: string): Promise<void> {
  try {
    await engine.call((docker) => docker.getContainer(id).remove({ force: true, v: true }));
  } catch (error) {
    // Gone, or on its way.
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
}

async function readAccountFile(container: Docker.Container, path: string): Promise<string> {
  let archive: NodeJS.ReadableStream;
  try {
    archive = await container.getArchive({ path });
  } catch (error) {
    if (statusOf(error) === 404) return '';
    throw error;
  }
  const files = archive.pipe(extract());
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const entry of files) {
    for await (const chunk of entry) {
      bytes += (chunk as Buffer).length;
      if (bytes <= ACCOUNT_FILE_BYTES) chunks.push(chunk as Buffer);
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

const idIn = (lines: string, wanted: string, field: number): number | null => {
  for (const line of lines.split('\n')) {
    const fields = line.split(':');
    if (fields[0] === wanted && /^\d+$/.test(fields[field] ?? '')) return Number(fields[field]);
  }
  return null;
};

/**
 * `USER` of an image as numbers, by the runtime's rules: a name is looked up in its passwd, a number is itself; without a
 * group it is that of the account, or 0. An unknown name counts as root here: the engine refuses to start it, and says why.
 */
export function resolveUser(user: string, passwd: string, group: string): { readonly uid: number; readonly gid: number } {
  const [name = '', groupName] = user.split(':');
  const isNumber = /^\d+$/.test(name);
  const account = passwd.split('\n').find((line) => {
    const [accountName, , uid] = line.split(':');
    return isNumber ? uid === name : accountName === name;
  });
  const accountName = account?.split(':')[0] ?? '';
  const uid = isNumber ? Number(name) : (idIn(passwd, name, 2) ?? 0);
  const gidOfAccount = account === undefined ? 0 : (idIn(account, accountName, 3) ?? 0);
  if (groupName === undefined || groupName === '') return { uid, gid: gidOfAccount };
  return { uid, gid: /^\d+$/.test(groupName) ? Number(groupName) : (idIn(group, groupName, 2) ?? 0) };
}
