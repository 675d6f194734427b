import { Secret } from '#config/secret.ts';
import { putGitCredential } from '#git/git-credential-store.ts';
import { loadEndpoint, type StoredServer } from '#git/git-endpoint-store.ts';
import { gitIn } from '#git/git-origin.ts';
import { type Git, type GitReader, makeGit } from '#git/git.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { Log } from '#kit/log.ts';
import { makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { type ErrorCode, isSodateError } from '@sodate/contract/errors.ts';
import type { GitServerKind } from '@sodate/contract/git.ts';
import type { GitEndpointId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface GivenCredential {
  readonly token?: string;
  readonly privateKey?: string;
  readonly userName?: string;
  readonly ofTenant?: boolean;
}

/** For tests: a home, people in tenants, and git servers registered by their addresses. */
export function makeGitWorld(database: () => { readonly db: Database }) {
  const base = mkdtempSync(path.join(tmpdir(), 'sodate-git-servers-'));
  const root = path.join(base, 'served');
  const local = path.join(base, 'local');
  for (const folder of [root, local]) mkdirSync(folder, { recursive: true });
  const sealed = makeSealedSecrets(Buffer.alloc(32, 7));
  /** Whatever went into the log or was told to somebody. */
  const said: string[] = [];
  const write = (fields: object, message: string): void =>
    void said.push(
      message,
      JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? { ...(value as object), text: `${value.message} ${value.stack}` } : value)),
    );
  const log: Log = { info: write, warn: write, error: write };
  const time = { ahead: 0 };
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + time.ahead) };
  const count = { endpoints: 0 };

  const makeFresh = (silenceLimitMs = 20_000, extraAuthorities: string | null = null): Git =>
    makeGit({ db: database().db, folder: path.join(base, 'home', 'git'), gitRoot: local, clock, log, sealed, silenceLimitMs, extraAuthorities });
  const held: { git?: Git } = {};
  const git = (): Git => (held.git ??= makeFresh());

  const world = {
    base,
    root,
    local,
    said,
    time,
    makeFresh,
    git,
    close(): void {
      held.git?.close();
      rmSync(base, { recursive: true, force: true });
    },

    async codeOf(work: Promise<unknown>): Promise<ErrorCode | 'nothing was thrown'> {
      const error = await world.errorOf(work);
      return error === null ? 'nothing was thrown' : error.code;
    },
    async errorOf(work: Promise<unknown>) {
      try {
        await work;
        return null;
      } catch (error) {
        if (!isSodateError(error)) throw error;
        said.push(error.message, JSON.stringify(error.params));
        return error;
      }
    },

    async person(): Promise<GitReader> {
      const [tenant, user] = [newId<TenantId>(), newId<UserId>()];
      const at = new Date();
      const { db } = database();
      await db
        .insertInto('tenants')
        .values({ id: tenant, name: `t-${tenant}`, display_name: 'T', created_at: at })
        .execute();
      await db
        .insertInto('users')
        .values({ id: user, name: `u-${user}`, display_name: 'U', system_admin: false, created_at: at })
        .execute();
      return { tenant, user };
    },

    async endpoint(
      url: string,
      more: { readonly hostKeys?: string; readonly kind?: GitServerKind; readonly lfsHosts?: readonly string[]; readonly apiUrl?: string } = {},
    ): Promise<StoredServer> {
      count.endpoints += 1;
      const name = `server-${count.endpoints}`;
      await git().createEndpoint({ id: newId<GitEndpointId>(), name, kind: 'plain', url, lfsHosts: [], ...more });
      return (await loadEndpoint(database().db, name)) as StoredServer;
    },

    async signIn(server: StoredServer, reader: GitReader, given: GivenCredential): Promise<void> {
      const owner = { tenant: reader.tenant, user: given.ofTenant === true ? null : reader.user };
      await putGitCredential(database().db, sealed, server, owner, {
        userName: given.userName ?? 'hana',
        token: given.token === undefined ? null : new Secret(given.token),
        privateKey: given.privateKey === undefined ? null : new Secret(given.privateKey),
        now: new Date(),
      });
    },

    async resolve(server: { readonly name: string }, repository: string, reader: GitReader | null, revision?: string, through = git()): Promise<string> {
      return (await through.resolveSource({ endpoint: server.name, repository, ...(revision === undefined ? {} : { revision }) }, reader)).commit;
    },

    /** A bare copy of a working repository, where servers serve it. */
    serve(origin: { readonly folder: string }, name: string): string {
      const bare = path.join(root, name);
      mkdirSync(path.dirname(bare), { recursive: true });
      gitIn(base, 'clone', '--quiet', '--bare', origin.folder, bare);
      return bare;
    },
  };
  return world;
}
