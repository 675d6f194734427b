import type { Permission } from '@sodate/contract/route.ts';
import { Role } from '@sodate/contract/tenants.ts';
import type { AttemptId, RunId, TenantId, TokenId, UserId } from '@sodate/contract/ids.ts';

/** Who is asking. */
export interface Caller {
  readonly user: UserId;
  readonly name: string;
  readonly systemAdmin: boolean;
  /** Set for tokens: the one tenant in which this credential works. */
  readonly onlyTenant: TenantId | null;
  /** Set when a job asks with its attempt's token: it has a member's rights in its tenant. */
  readonly attempt: { readonly id: AttemptId; readonly run: RunId } | null;
  /** Set when the credential is a session: its stored hash, by which it can be ended. */
  readonly session: Buffer | null;
  /** Set when the credential is a token, by which it can be ended. */
  readonly token: TokenId | null;
  /** Set for tokens: their tenant and what their user is there, read in the statement that found the token. */
  readonly standing?: Standing;
}

/** A tenant and what a user is there. */
export interface Standing {
  readonly tenant: { readonly id: TenantId; readonly number: number; readonly name: string };
  /** null: no member. System admins have every role everywhere. */
  readonly role: Role | null;
}

export const toStanding = (row: {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly system_admin: boolean;
  readonly role: string | null;
}): Standing => ({
  tenant: { id: row.id as TenantId, number: row.number, name: row.name },
  role: row.system_admin ? 'admin' : row.role === null ? null : Role.parse(row.role),
});

/** The tenant a request is about, and what the caller is there. */
export interface TenantContext {
  readonly id: TenantId;
  readonly number: number;
  readonly name: string;
  readonly role: Role;
}

/** What kit/http needs to know of identities: it has none of its own. Implemented in `server/access`. */
export interface Access {
  /**
   * @returns null when the request presents no credential
   * @throws SodateError `not-signed-in` when it presents one that is malformed, unknown or expired
   */
  identify(credentials: Credentials): Promise<Caller | null>;
  /**
   * Lets the request pass or throws: `not-signed-in`, `not-allowed`, or `not-found` for a tenant that the caller must
   * not learn of.
   * @returns the tenant for `tenant-*` permissions, else null
   */
  authorise(caller: Caller | null, permission: Exclude<Permission, 'signed-url'>, tenant: string | undefined): Promise<TenantContext | null>;
}

export interface Credentials {
  readonly authorization: string | undefined;
  readonly sessionCookie: string | undefined;
}
