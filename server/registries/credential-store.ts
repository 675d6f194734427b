import type { Secret } from '#config/secret.ts';
import type { RegistryCredential } from '#executors/executor.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { Identity, SealedSecrets } from '#kit/sealed-secrets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RegistryCredentialId, TenantId } from '@sodate/contract/ids.ts';

/** What may be shown of a credential. */
export interface StoredCredential {
  readonly id: RegistryCredentialId;
  readonly host: string;
  readonly userName: string;
  readonly setAt: Date;
}

/** People set them by hand; a tenant that needs more has a script that went wrong. */
const CREDENTIALS_LIMIT = 200;

/** Also the user name: whoever changes it in the row must not make us send this password under another name. */
const identityOf = (row: { readonly tenant: TenantId; readonly host: string; readonly userName: string }): Identity => [
  'registry_credentials.password_sealed',
  row.tenant,
  row.host,
  row.userName,
];

export async function loadCredentials(db: Database, tenant: TenantId): Promise<readonly StoredCredential[]> {
  const rows = await db
    .selectFrom('registry_credentials')
    .select(['id', 'host', 'user_name', 'set_at'])
    .where('tenant_id', '=', tenant)
    .orderBy('host')
    .execute();
  return rows.map((row) => ({ id: row.id as RegistryCredentialId, host: row.host, userName: row.user_name, setAt: row.set_at }));
}

/** With the password, for pulling or asking. @throws SodateError `secret-unreadable` */
export async function openCredential(db: Database, sealed: SealedSecrets, tenant: TenantId, host: string): Promise<RegistryCredential | null> {
  const row = await db
    .selectFrom('registry_credentials')
    .select(['user_name', 'password_sealed'])
    .where('tenant_id', '=', tenant)
    .where('host', '=', host)
    .executeTakeFirst();
  if (!row) return null;
  const identity = identityOf({ tenant, host, userName: row.user_name });
  return { registry: host, userName: row.user_name, password: sealed.open(row.password_sealed, identity, `The tenant's password for ${host}`) };
}

/** Sets or replaces; the id stays the same. @throws SodateError `too-many` */
export async function putCredential(
  db: Database,
  sealed: SealedSecrets,
  given: { readonly tenant: TenantId; readonly host: string; readonly userName: string; readonly password: Secret; readonly now: Date },
): Promise<StoredCredential> {
  const others = await db
    .selectFrom('registry_credentials')
    .select((expression) => expression.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', given.tenant)
    .where('host', '<>', given.host)
    .executeTakeFirstOrThrow();
  if (others.count >= CREDENTIALS_LIMIT) throw new SodateError('too-many', { limit: CREDENTIALS_LIMIT, things: 'registry credentials of one tenant' });
  const values = { user_name: given.userName, password_sealed: sealed.seal(given.password, identityOf(given)), set_at: given.now };
  const row = await db
    .insertInto('registry_credentials')
    .values({ tenant_id: given.tenant, id: newId<RegistryCredentialId>(), host: given.host, ...values })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'host']).doUpdateSet(values))
    .returning(['id', 'host', 'user_name', 'set_at'])
    .executeTakeFirstOrThrow();
  return { id: row.id as RegistryCredentialId, host: row.host, userName: row.user_name, setAt: row.set_at };
}

/** @throws SodateError `not-found` */
export async function removeCredential(db: Database, tenant: TenantId, host: string): Promise<void> {
  const { numDeletedRows } = await db.deleteFrom('registry_credentials').where('tenant_id', '=', tenant).where('host', '=', host).executeTakeFirst();
  if (numDeletedRows === 0n) throw new SodateError('not-found', { thing: 'registry credential for', reference: host });
}
