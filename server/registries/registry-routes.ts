import { Secret } from '#config/secret.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { SealedSecrets } from '#kit/sealed-secrets.ts';
import { browseImages, browseTags } from '#registries/browse-registry.ts';
import { loadCredentials, openCredential, putCredential, removeCredential, type StoredCredential } from '#registries/credential-store.ts';
import { CONVERSATION_LIMIT_MS, makeRegistryConversation, type RegistryConversation } from '#registries/registry-conversation.ts';
import type { AskedRegistry } from '#registries/registry-places.ts';
import { insertRegistry, loadRegistries, loadRegistry, removeRegistry, type StoredRegistry, updateRegistryRow } from '#registries/registry-store.ts';
import type { RegistryId, TenantId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/registries.ts';

/** @param parts.conversationLimitMs how long one request may take to ask a registry; 15 s if left out */
export function bindRegistryRoutes(
  binder: Binder,
  parts: { readonly db: Database; readonly clock: Clock; readonly sealed: SealedSecrets; readonly conversationLimitMs?: number },
): void {
  const { db, clock, sealed, conversationLimitMs = CONVERSATION_LIMIT_MS } = parts;

  const speakWith = async (registry: AskedRegistry, tenant: TenantId): Promise<RegistryConversation> =>
    makeRegistryConversation(registry, await openCredential(db, sealed, tenant, registry.address), conversationLimitMs);

  binder.bind(routes.listRegistries, async () => ({ items: (await loadRegistries(db)).map(present) }));
  binder.bind(routes.createRegistry, async ({ body, newId }) => present(await insertRegistry(db, { ...body, id: newId as RegistryId, now: clock.now() })));
  binder.bind(routes.updateRegistry, async ({ params, body }) => present(await updateRegistryRow(db, params.registry, body)));
  binder.bind(routes.deleteRegistry, ({ params }) => removeRegistry(db, params.registry));

  binder.bind(routes.listRegistryCredentials, async ({ tenant }) => ({ items: (await loadCredentials(db, tenant.id)).map(presentCredential) }));
  binder.bind(routes.putRegistryCredential, async ({ tenant, params, body }) => {
    const given = { tenant: tenant.id, host: params.host, userName: body.userName, password: new Secret(body.password), now: clock.now() };
    return presentCredential(await putCredential(db, sealed, given));
  });
  binder.bind(routes.deleteRegistryCredential, ({ tenant, params }) => removeCredential(db, tenant.id, params.host));

  binder.bind(routes.listImages, async ({ tenant, params, query }) => {
    const registry = await loadRegistry(db, params.registry);
    return browseImages(registry, await speakWith(registry, tenant.id), query);
  });
  binder.bind(routes.listImageTags, async ({ tenant, params, query }) => {
    const registry = await loadRegistry(db, params.registry);
    return browseTags(registry, await speakWith(registry, tenant.id), query.image);
  });
}

const present = (registry: StoredRegistry): routes.Registry => ({
  ...registry,
  tokenHosts: [...registry.tokenHosts],
  createdAt: registry.createdAt.toISOString(),
});

const presentCredential = (credential: StoredCredential): routes.RegistryCredential => ({ ...credential, setAt: credential.setAt.toISOString() });
