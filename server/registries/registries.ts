import type { RegistryCredential } from '#executors/executor.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { SealedSecrets } from '#kit/sealed-secrets.ts';
import { openCredential } from '#registries/credential-store.ts';
import { parseImageReference } from '#registries/image-reference.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

/**
 * Registries of container images, for other features. System admins register them; the platform itself asks only those.
 * A tenant keeps a user name and password by host, also of hosts that nobody registered: those go to the engine that
 * pulls an image of that host, and nowhere else.
 */

/**
 * What an engine needs to pull an image for a tenant; null where the tenant has nothing for the image's host, and for
 * what is no image.
 * @throws SodateError `secret-unreadable` when the password was kept under another installation's key
 */
export async function findRegistryCredential(db: Database, sealed: SealedSecrets, tenant: TenantId, image: string): Promise<RegistryCredential | null> {
  const parsed = parseImageReference(image);
  return parsed === null ? null : openCredential(db, sealed, tenant, parsed.registry);
}
