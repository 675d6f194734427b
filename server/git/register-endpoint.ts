import { insertEndpoint, type NewEndpoint, type StoredEndpoint, type StoredServer, updateEndpointRow } from '#git/git-endpoint-store.ts';
import { type HostKey, parseHostKeys } from '#git/host-keys.ts';
import { checkNewRoot } from '#git/locate-folder.ts';
import type { RunProgram } from '#git/run-program.ts';
import { scanHostKeys } from '#git/scan-host-keys.ts';
import { hostOf, transportOf, usualApiUrl } from '#git/server-address.ts';
import type { NamedServer } from '#git/server-failure.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitServerKind } from '@sodate/contract/git.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { mkdir } from 'node:fs/promises';

interface AskedFolder {
  readonly id: GitEndpointId;
  readonly name: string;
  readonly kind: 'local';
  readonly root: string;
}

interface AskedServer {
  readonly id: GitEndpointId;
  readonly name: string;
  readonly kind: GitServerKind;
  readonly url: string;
  readonly apiUrl?: string | undefined;
  /** Lines as people have them; without them the server is asked. */
  readonly hostKeys?: string | undefined;
  readonly lfsHosts: readonly string[];
}

export type AskedEndpoint = AskedFolder | AskedServer;

export interface EndpointChange {
  readonly name?: string | undefined;
  /** `scan` asks the server for the keys that it has now. */
  readonly hostKeys?: string | undefined;
  readonly lfsHosts?: readonly string[] | undefined;
}

/** Of a server, which is asked now, or of lines as people have them. */
export type AskedHostKeys = { readonly url: string } | { readonly hostKeys: string };

/** What system admins do with endpoints. Addresses never change: another address is another endpoint, with other credentials. */
export function makeEndpointRegistry(parts: {
  readonly db: Database;
  readonly clock: Clock;
  readonly gitRoot: string | null;
  readonly programs: RunProgram;
  readonly folder: string;
  readonly searchPath: string;
}): {
  create(asked: AskedEndpoint): Promise<StoredEndpoint>;
  update(endpoint: StoredEndpoint, change: EndpointChange): Promise<StoredEndpoint>;
  /** To be compared before they are kept. */
  readHostKeys(ask: AskedHostKeys): Promise<readonly HostKey[]>;
} {
  const { db, clock } = parts;

  async function keysOf(server: Omit<StoredServer, 'number' | 'createdAt'>, given: string | undefined): Promise<readonly HostKey[]> {
    if (transportOf(server) !== 'ssh') {
      if (given !== undefined)
        throw new SodateError('invalid-request', { details: `body.hostKeys: only servers at ssh://… have host keys, not ${server.url}` });
      return [];
    }
    if (given !== undefined && given !== 'scan') return parseHostKeys(given);
    return scan(server);
  }

  async function scan(server: NamedServer): Promise<readonly HostKey[]> {
    await mkdir(parts.folder, { recursive: true });
    return scanHostKeys(parts.programs, server, parts);
  }

  async function checked(asked: AskedEndpoint): Promise<NewEndpoint> {
    if (asked.kind === 'local') {
      await checkNewRoot(asked.root, parts.gitRoot);
      return asked;
    }
    const { id, name, kind, url, lfsHosts } = asked;
    const server = { id, name, kind, url, apiUrl: asked.apiUrl ?? usualApiUrl(kind, url), hostKeys: [], lfsHosts };
    return { ...server, hostKeys: await keysOf(server, asked.hostKeys) };
  }

  return {
    create: async (asked) => insertEndpoint(db, await checked(asked), clock.now()),
    async update(endpoint, { name, hostKeys, lfsHosts }) {
      if (endpoint.kind === 'local' && (hostKeys !== undefined || lfsHosts !== undefined))
        throw new SodateError('invalid-request', { details: 'body: a folder of this machine has neither host keys nor other hosts' });
      const keys = endpoint.kind === 'local' || hostKeys === undefined ? undefined : await keysOf(endpoint, hostKeys);
      return updateEndpointRow(db, endpoint, { name, hostKeys: keys, lfsHosts });
    },
    readHostKeys: async (ask) => ('url' in ask ? scan({ name: hostOf(ask).name, url: ask.url }) : parseHostKeys(ask.hostKeys)),
  };
}
