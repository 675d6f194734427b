import { Secret } from '#config/secret.ts';
import type { StoredServer } from '#git/git-endpoint-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { Identity, SealedSecrets } from '#kit/sealed-secrets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitCredentialId, GitEndpointId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { z } from 'zod';

/** For whom something is read. */
export interface GitReader {
  readonly tenant: TenantId;
  readonly user: UserId;
}

/** What may be shown of a credential. */
export interface StoredGitCredential {
  readonly id: GitCredentialId;
  readonly endpoint: { readonly id: GitEndpointId; readonly name: string };
  readonly owner: 'tenant' | 'mine';
  readonly userName: string;
  readonly holds: readonly ('token' | 'ssh-key')[];
  readonly setAt: Date;
}

/** With what is secret, for the moment in which it is used. */
export interface GitCredential {
  /** Changes whenever the credential does: what one credential has shown holds for no other. */
  readonly version: string;
  readonly owner: 'tenant' | 'mine';
  readonly userName: string;
  readonly token: Secret | null;
  readonly privateKey: Secret | null;
}

/** Whose: a person's within the tenant, or with null the tenant's own. */
interface Owner {
  readonly tenant: TenantId;
  readonly user: UserId | null;
}

const Contents = z.object({ token: z.string().nullable(), privateKey: z.string().nullable() });

/** Also the addresses: whoever changes them in the database must not make us send this elsewhere. */
const identityOf = (server: StoredServer, owner: Owner, userName: string): Identity => [
  'git_credentials.secret_sealed',
  owner.tenant,
  server.id,
  server.url,
  server.apiUrl ?? '',
  owner.user ?? '',
  userName,
];

/** The tenant's own credentials and this person's. */
export async function loadGitCredentials(db: Database, reader: GitReader): Promise<readonly StoredGitCredential[]> {
  const rows = await db
    .selectFrom('git_credentials as c')
    .innerJoin('git_endpoints as e', 'e.id', 'c.endpoint_id')
    .select(['c.id', 'c.endpoint_id', 'e.name', 'c.user_id', 'c.user_name', 'c.holds_token', 'c.holds_key', 'c.set_at'])
    .where('c.tenant_id', '=', reader.tenant)
    .where((expression) => expression.or([expression('c.user_id', 'is', null), expression('c.user_id', '=', reader.user)]))
    .orderBy('e.name')
    .orderBy('c.user_id')
    .execute();
  return rows.map((row) => ({
    id: row.id as GitCredentialId,
    endpoint: { id: row.endpoint_id as GitEndpointId, name: row.name },
    owner: row.user_id === null ? 'tenant' : 'mine',
    userName: row.user_name,
    holds: [...(row.holds_token ? (['token'] as const) : []), ...(row.holds_key ? (['ssh-key'] as const) : [])],
    setAt: row.set_at,
  }));
}

/**
 * What this reader signs in with at the server: the person's own credential, else the tenant's, else nothing.
 * @throws SodateError `secret-unreadable`
 */
export async function openGitCredential(db: Database, sealed: SealedSecrets, server: StoredServer, reader: GitReader): Promise<GitCredential | null> {
  const row = await db
    .selectFrom('git_credentials')
    .select(['id', 'user_id', 'user_name', 'secret_sealed', 'set_at'])
    .where('tenant_id', '=', reader.tenant)
    .where('endpoint_id', '=', server.id)
    .where((expression) => expression.or([expression('user_id', 'is', null), expression('user_id', '=', reader.user)]))
    // Nulls come last, so a person's own is before the tenant's.
    .orderBy('user_id')
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;
  const identity = identityOf(server, { tenant: reader.tenant, user: row.user_id as UserId | null }, row.user_name);
  const opened = sealed.open(row.secret_sealed, identity, `The credential for ${server.name}`);
  const { token, privateKey } = Contents.parse(JSON.parse(opened.reveal()));
  return {
    version: `${row.id}@${row.set_at.getTime()}`,
    owner: row.user_id === null ? 'tenant' : 'mine',
    userName: row.user_name,
    token: token === null ? null : new Secret(token),
    privateKey: privateKey === null ? null : new Secret(privateKey),
  };
}

/** Sets or replaces; the id stays the same. */
export async function putGitCredential(
  db: Database,
  sealed: SealedSecrets,
  server: StoredServer,
  owner: Owner,
  given: { readonly userName: string; readonly token: Secret | null; readonly privateKey: Secret | null; readonly now: Date },
): Promise<StoredGitCredential> {
  const { userName, token, privateKey, now } = given;
  const contents = new Secret(JSON.stringify({ token: token?.reveal() ?? null, privateKey: privateKey?.reveal() ?? null } satisfies z.infer<typeof Contents>));
  const values = {
    user_name: userName,
    holds_token: token !== null,
    holds_key: privateKey !== null,
    secret_sealed: sealed.seal(contents, identityOf(server, owner, userName)),
    set_at: now,
  };
  const row = await db
    .insertInto('git_credentials')
    .values({ tenant_id: owner.tenant, id: newId<GitCredentialId>(), endpoint_id: server.id, user_id: owner.user, ...values })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'endpoint_id', 'user_id']).doUpdateSet(values))
    .returning(['id', 'set_at'])
    .executeTakeFirstOrThrow();
  return {
    id: row.id as GitCredentialId,
    endpoint: { id: server.id, name: server.name },
    owner: owner.user === null ? 'tenant' : 'mine',
    userName,
    holds: [...(token === null ? [] : (['token'] as const)), ...(privateKey === null ? [] : (['ssh-key'] as const))],
    setAt: row.set_at,
  };
}

/** @throws SodateError `not-found` */
export async function removeGitCredential(db: Database, endpoint: { readonly id: GitEndpointId; readonly name: string }, owner: Owner): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('git_credentials')
    .where('tenant_id', '=', owner.tenant)
    .where('endpoint_id', '=', endpoint.id)
    .where('user_id', owner.user === null ? 'is' : '=', owner.user)
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw new SodateError('not-found', { thing: 'git credential for', reference: endpoint.name });
}

/** For when a person leaves a tenant. */
export async function removeGitCredentialsOf(db: Database, tenant: TenantId, user: UserId): Promise<void> {
  await db.deleteFrom('git_credentials').where('tenant_id', '=', tenant).where('user_id', '=', user).execute();
}
