import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type Docker from 'dockerode';
import { AttemptId } from '@sodate/contract/ids.ts';
import { EngineUnreachable } from '../executor.ts';
import { type AttemptFolder, attemptFolder, readContainer } from './attempt-folder.ts';
import { LABELS } from './container-spec.ts';
import { type EngineClient, messageOf, statusOf } from './docker-client.ts';
import type { DockerHandle } from './docker-handle.ts';

/** The containers of attempts, each under the name that the engine gives only once. */
export interface Containers {
  nameOf(attempt: AttemptId): string;
  /** What the engine forgets about an attempt. */
  folderOf(attempt: AttemptId): AttemptFolder;
  find(attempt: AttemptId): Promise<Docker.ContainerInspectInfo | null>;
  /** Settles for one that has ended, or is not there any more. */
  sendSignal(attempt: AttemptId, signal: string): Promise<void>;
  /** Settles for one that is not there. @throws {EngineUnreachable} when the engine cannot remove it now */
  remove(attempt: AttemptId): Promise<void>;
  /** Every attempt that has a container, or a folder because it was to get one. */
  list(): Promise<readonly DockerHandle[]>;
}

const SHORT_LENGTH = 12;
/** Part of names on the engine and of paths, where a whole id would be too long. */
export const shortInstallation = (installation: string): string => createHash('sha256').update(installation).digest('hex').slice(0, SHORT_LENGTH);

/** @param root the folder in which attempts have theirs */
export function makeContainers(engine: EngineClient, installation: string, root: string): Containers {
  const nameOf: Containers['nameOf'] = (attempt) => `sodate-${shortInstallation(installation)}-${attempt}`;
  const folderOf: Containers['folderOf'] = (attempt) => attemptFolder(root, attempt);
  const find: Containers['find'] = (attempt) =>
    engine
      .call((docker) => docker.getContainer(nameOf(attempt)).inspect())
      .catch((error: unknown) => {
        if (statusOf(error) === 404) return null;
        throw error;
      });

  return {
    nameOf,
    folderOf,
    find,
    async sendSignal(attempt, signal) {
      try {
        await engine.call((docker) => docker.getContainer(nameOf(attempt)).kill({ signal }));
      } catch (error) {
        if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
      }
    },
    async remove(attempt) {
      try {
        await engine.call((docker) => docker.getContainer(nameOf(attempt)).remove({ force: true, v: true }));
      } catch (error) {
        // 409: somebody is removing it already.
        if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
        if (statusOf(error) === 409 && (await find(attempt)) !== null) {
          throw new EngineUnreachable(`The container of ${attempt} cannot be removed now: ${messageOf(error)}`, { cause: error });
        }
      }
    },
    async list() {
      const containers = await engine.call((docker) =>
        docker.listContainers({ all: true, filters: { label: [`${LABELS.installation}=${installation}`, LABELS.attempt] } }),
      );
      const found = new Map<AttemptId, DockerHandle>();
      for (const { Id, Names, Labels } of containers) {
        const attempt = AttemptId.safeParse(Labels[LABELS.attempt]).data;
        // An image may bring labels along, and a probe of that image then bears them.
        if (attempt !== undefined && Names.includes(`/${nameOf(attempt)}`))
          found.set(attempt, { attempt, container: Id, imageDigest: Labels[LABELS.imageDigest] ?? null });
      }
      for (const name of await readdir(root)) {
        const attempt = AttemptId.safeParse(name).data;
        if (attempt === undefined || found.has(attempt)) continue;
        found.set(attempt, { attempt, ...((await readContainer(folderOf(attempt))) ?? { container: null, imageDigest: null }) });
      }
      return [...found.values()];
    },
  };
}
