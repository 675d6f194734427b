import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { TenantId } from '@sodate/contract/ids.ts';
import type { Quota } from '@sodate/contract/tenants.ts';
import { insertTenant, type TenantRow } from './tenant-store.ts';

const UNLIMITED: Quota = { cpu: null, memory: null, gpus: null };

/** @throws SodateError `name-taken`; `invalid-request` for a name that would be read as an id */
export async function createTenant(
  db: Database,
  ask: {
    readonly id: TenantId;
    readonly name: string;
    readonly displayName?: string | undefined;
    readonly quota?: Quota | undefined;
    readonly executors?: string[] | null | undefined;
    readonly dropCapabilities?: boolean | undefined;
    readonly now: Date;
  },
): Promise<TenantRow> {
  if (TenantId.safeParse(ask.name).success) throw new SodateError('invalid-request', { details: 'body.name: must not have the form of an id' });
  const { id, name, now } = ask;
  return insertTenant(db, {
    id,
    name,
    displayName: ask.displayName ?? name,
    quota: ask.quota ?? UNLIMITED,
    executors: ask.executors ?? null,
    dropCapabilities: ask.dropCapabilities ?? false,
    now,
  });
}
