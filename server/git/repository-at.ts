import { type GitCredential, type GitReader, openGitCredential } from '#git/git-credential-store.ts';
import type { StoredEndpoint, StoredServer } from '#git/git-endpoint-store.ts';
import type { RepositoryAt } from '#git/git-mirror.ts';
import { locateInFolder } from '#git/locate-folder.ts';
import { usableCredential, withReach } from '#git/reach-server.ts';
import { makeReadingProofs } from '#git/reading-proofs.ts';
import { repositoryUrl } from '#git/server-address.ts';
import { makeTrustedAuthorities } from '#git/trusted-authorities.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import type { SealedSecrets } from '#kit/sealed-secrets.ts';
import { isSodateError, type SodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import path from 'node:path';

/** After a server was silent, all who ask it are told so for a while instead of waiting in their turn as long again. */
const AFTER_SILENCE_MS = 15_000;

export interface RepositoryParts {
  readonly db: Database;
  readonly folder: string;
  readonly gitRoot: string | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly sealed: SealedSecrets;
  /** A server that says nothing for so long is given up. */
  readonly silenceLimitMs: number;
  /** A file of certificates of authorities that are trusted beside the system's, or null. */
  readonly extraAuthorities: string | null;
}

/** Null is nobody: folders of this machine, and what servers show to everybody. */
export type Reader = GitReader | null;

export interface Repositories {
  at(endpoint: StoredEndpoint, repository: string, reader: Reader): RepositoryAt;
  /** @throws SodateError `secret-unreadable` */
  credentialFor(server: StoredServer, reader: Reader): Promise<GitCredential | null>;
}

export function makeRepositories(parts: RepositoryParts): Repositories {
  const { db, folder, clock, sealed, silenceLimitMs } = parts;
  const proofs = makeReadingProofs(clock);
  const authorities = makeTrustedAuthorities({ folder, further: parts.extraAuthorities, log: parts.log });
  const silence = new Map<GitEndpointId, { readonly until: number; readonly error: SodateError }>();

  const credentialFor: Repositories['credentialFor'] = async (server, reader) => {
    if (reader === null) return null;
    return usableCredential(server, await openGitCredential(db, sealed, server, reader));
  };

  async function unlessSilent<Result>(server: StoredServer, work: () => Promise<Result>): Promise<Result> {
    const before = silence.get(server.id);
    if (before !== undefined && before.until > clock.now().getTime()) throw before.error;
    try {
      return await work();
    } catch (error) {
      if (isSodateError(error) && error.code === 'git-server-silent') silence.set(server.id, { until: clock.now().getTime() + AFTER_SILENCE_MS, error });
      throw error;
    }
  }

  function atServer(server: StoredServer, repository: string, reader: Reader): RepositoryAt {
    // Looked up once for one use of the repository, so that a proof is of the credential that showed it.
    const held: { credential?: Promise<GitCredential | null> } = {};
    const credential = (): Promise<GitCredential | null> => (held.credential ??= credentialFor(server, reader));
    const shown = async () => ({ endpoint: server.id, repository, credential: (await credential())?.version ?? null });
    return {
      endpoint: server.id,
      repository,
      source: server,
      reader,
      withOrigin: async (work) => {
        const ask = { server, repository, credential: await credential() };
        return unlessSilent(server, () =>
          withReach({ folder: path.join(folder, 'tmp'), silenceLimitMs, authorities }, ask, (reach) =>
            work({ address: repositoryUrl(server, repository), reach }),
          ),
        );
      },
      mayRead: async () => proofs.holds(await shown()),
      recordRead: async () => proofs.record(await shown()),
    };
  }

  return {
    credentialFor,
    at(endpoint, repository, reader) {
      if (endpoint.kind !== 'local') return atServer(endpoint, repository, reader);
      return {
        endpoint: endpoint.id,
        repository,
        source: endpoint,
        reader,
        withOrigin: async (work) => work({ address: await locateInFolder(parts, endpoint, repository), reach: null }),
        // Folders of this machine are open to all tenants.
        mayRead: async () => true,
        recordRead: async () => {},
      };
    },
  };
}
