import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

const attachedWithPeople = (db: Database, tenant: TenantId, run: RunId) =>
  db
    .selectFrom('run_attachments')
    .innerJoin('users', 'users.id', 'run_attachments.created_by')
    .select([
      'run_attachments.id',
      'run_attachments.name',
      'run_attachments.size',
      'run_attachments.digest',
      'run_attachments.created_at',
      'run_attachments.created_by',
      'users.name as person_name',
      'users.display_name as person_display_name',
    ])
    .where('run_attachments.tenant_id', '=', tenant)
    .where('run_attachments.run_id', '=', run);

export type AttachedRow = Awaited<ReturnType<ReturnType<typeof attachedWithPeople>['executeTakeFirstOrThrow']>>;

/** Those of these names that somebody attached. */
export async function readAttached(db: Database, tenant: TenantId, run: RunId, names: readonly string[]): Promise<ReadonlyMap<string, AttachedRow>> {
  const rows = await attachedWithPeople(db, tenant, run)
    .where(sql<boolean>`run_attachments.name = any(${names.filter((name) => !name.includes('\0'))}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.name, row]));
}

export interface NewAttachment {
  readonly id: string;
  readonly run: RunId;
  readonly name: string;
  readonly size: number;
  readonly digest: string;
  readonly createdBy: UserId;
}

/** A row whose file has gone, by the job's doing or by a crash, is written over. */
export async function putAttached(tx: DatabaseTransaction, tenant: TenantId, file: NewAttachment, now: Date): Promise<void> {
  const values = { id: file.id, size: file.size, digest: file.digest, created_by: file.createdBy, created_at: now };
  await tx
    .insertInto('run_attachments')
    .values({ ...values, tenant_id: tenant, run_id: file.run, name: file.name })
    .onConflict((conflict) => conflict.columns(['run_id', 'name']).doUpdateSet(values))
    .execute();
}

export async function countAttached(db: Database, tenant: TenantId, run: RunId): Promise<number> {
  const { count } = await db
    .selectFrom('run_attachments')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function deleteAttached(db: Database, tenant: TenantId, run: RunId, name: string): Promise<void> {
  await db.deleteFrom('run_attachments').where('tenant_id', '=', tenant).where('run_id', '=', run).where('name', '=', name).execute();
}
