import { Secret } from '#config/secret.ts';
import { loadGitCredentials, putGitCredential, removeGitCredential, type StoredGitCredential } from '#git/git-credential-store.ts';
import { loadEndpoint, type StoredServer } from '#git/git-endpoint-store.ts';
import { checkPrivateKey } from '#git/private-key.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { SealedSecrets } from '#kit/sealed-secrets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import * as routes from '@sodate/contract/git-credentials.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';

export function bindGitCredentialRoutes(binder: Binder, parts: { readonly db: Database; readonly clock: Clock; readonly sealed: SealedSecrets }): void {
  const { db, clock, sealed } = parts;

  const put = async (
    owner: { readonly tenant: TenantId; readonly user: UserId | null },
    endpoint: string,
    { userName, token, privateKey }: { readonly userName: string; readonly token?: string | undefined; readonly privateKey?: string | undefined },
  ): Promise<routes.GitCredential> => {
    const server = await serverNamed(db, endpoint);
    const given = {
      userName,
      token: token === undefined ? null : new Secret(token),
      privateKey: privateKey === undefined ? null : new Secret(checkPrivateKey(privateKey)),
      now: clock.now(),
    };
    return present(await putGitCredential(db, sealed, server, owner, given));
  };

  binder.bind(routes.listGitCredentials, async ({ tenant, caller }) => ({
    items: (await loadGitCredentials(db, { tenant: tenant.id, user: caller.user })).map(present),
  }));
  binder.bind(routes.putTenantGitCredential, ({ tenant, params, body }) => put({ tenant: tenant.id, user: null }, params.endpoint, body));
  binder.bind(routes.putMyGitCredential, ({ tenant, caller, params, body }) => put({ tenant: tenant.id, user: caller.user }, params.endpoint, body));
  binder.bind(routes.deleteTenantGitCredential, async ({ tenant, params }) =>
    removeGitCredential(db, await loadEndpoint(db, params.endpoint), { tenant: tenant.id, user: null }),
  );
  binder.bind(routes.deleteMyGitCredential, async ({ tenant, caller, params }) =>
    removeGitCredential(db, await loadEndpoint(db, params.endpoint), { tenant: tenant.id, user: caller.user }),
  );
}

async function serverNamed(db: Database, reference: string): Promise<StoredServer> {
  const endpoint = await loadEndpoint(db, reference);
  if (endpoint.kind === 'local')
    throw new SodateError('invalid-request', { details: `endpoint: ${endpoint.name} is a folder of this machine, to which nobody signs in` });
  return endpoint;
}

const present = (credential: StoredGitCredential): routes.GitCredential => ({
  ...credential,
  holds: [...credential.holds],
  setAt: credential.setAt.toISOString(),
});
