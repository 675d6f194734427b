import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { inGroups } from '#kit/in-groups.ts';
import type { Access, Caller, Credentials, TenantContext } from '#kit/http/access.ts';
import { findStanding, tenantNotFound } from '#tenants/tenants.ts';
import { findTokens } from '#tokens/tokens.ts';
import { findSession } from '#users/users.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { AttemptId, RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { Permission } from '@sodate/contract/route.ts';
import { type Role, ROLES } from '@sodate/contract/tenants.ts';
import { readCredential } from './read-credential.ts';

/** What an attempt's token says about the job that sends it. */
export interface AttemptIdentity {
  readonly attempt: AttemptId;
  readonly run: RunId;
  readonly tenant: TenantId;
  /** Who submitted the run. */
  readonly user: UserId;
  readonly userName: string;
}

const NEEDED_ROLE = { 'tenant-viewer': 'viewer', 'tenant-member': 'member', 'tenant-admin': 'admin' } as const satisfies Partial<Record<Permission, Role>>;

/** In one statement. */
const TOKENS_TOGETHER = 100;

const includes = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

/**
 * Who is asking, and whether they may. Reads the database on each request (one query for the credential, and one for the
 * tenant where the first did not tell: for tokens it does) and remembers nothing, so that whatever ends a right ends it with the next request, on every server.
 */
export function makeAccess(parts: {
  readonly db: Database;
  readonly clock: Clock;
  /** Whose token this is; null unless the attempt lives. */
  readonly verifyAttempt: (token: string) => Promise<AttemptIdentity | null>;
}): Access {
  const { db, clock, verifyAttempt } = parts;
  /** Those of requests that are here at the same time are looked up together; none is answered by a look that began before it came. */
  const findToken = inGroups({ laneOf: () => '', weightLimit: TOKENS_TOGETHER, weightOf: () => 1 }, (secrets: readonly string[]) =>
    findTokens(db, secrets, clock.now()),
  );

  async function findCaller(credentials: Credentials): Promise<Caller | null | 'unknown'> {
    const credential = readCredential(credentials);
    if (credential === null) return null;
    if (credential === 'malformed') return 'unknown';
    switch (credential.kind) {
      case 'session': {
        const session = await findSession(db, credential.secret, clock.now());
        return session
          ? { user: session.user, name: session.name, systemAdmin: session.systemAdmin, onlyTenant: null, attempt: null, session: session.hash, token: null }
          : 'unknown';
      }
      case 'token': {
        const token = await findToken(credential.secret);
        if (!token || (credential.id !== null && credential.id.toLowerCase() !== token.id)) return 'unknown';
        // A system admin's token has an admin's rights in its tenant, but is not a system admin.
        return {
          user: token.user,
          name: token.name,
          systemAdmin: false,
          onlyTenant: token.tenant,
          attempt: null,
          session: null,
          token: token.id,
          standing: token.standing,
        };
      }
      case 'attempt': {
        const found = await verifyAttempt(credential.token);
        return found
          ? {
              user: found.user,
              name: found.userName,
              systemAdmin: false,
              onlyTenant: found.tenant,
              attempt: { id: found.attempt, run: found.run },
              session: null,
              token: null,
            }
          : 'unknown';
      }
    }
  }

  async function enterTenant(caller: Caller, reference: string): Promise<TenantContext> {
    const known = caller.standing;
    const isKnown = known !== undefined && (known.tenant.id === reference || known.tenant.name === reference);
    const standing = isKnown ? known : await findStanding(db, caller.user, reference);
    if (!standing || (caller.onlyTenant !== null && caller.onlyTenant !== standing.tenant.id)) throw tenantNotFound(reference);
    // A job keeps a member's rights while it lives, even when the person who submitted it has left the tenant.
    const role = caller.attempt === null ? standing.role : 'member';
    if (role === null) throw tenantNotFound(reference);
    return { ...standing.tenant, role };
  }

  return {
    async identify(credentials) {
      const caller = await findCaller(credentials);
      if (caller === 'unknown') throw new SodateError('not-signed-in');
      return caller;
    },

    async authorise(caller, permission, tenant) {
      if (permission === 'anyone') return null;
      if (caller === null) throw new SodateError('not-signed-in');
      if (permission === 'signed-in') return null;
      if (permission === 'system-admin') {
        if (!caller.systemAdmin)
          throw new SodateError('not-allowed', { needed: caller.onlyTenant === null ? 'system admin' : 'system admin, signed in with a password' });
        return null;
      }
      const entered = await enterTenant(caller, tenant ?? '');
      const needed = NEEDED_ROLE[permission];
      if (!includes(entered.role, needed)) throw new SodateError('not-allowed', { needed });
      return entered;
    },
  };
}
