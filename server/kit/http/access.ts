import type { Permission } from '@sodate/contract/route.ts';
import type { Role } from '@sodate/contract/tenants.ts';
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
}

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
