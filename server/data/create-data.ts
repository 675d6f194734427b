import { findDataRow, insertData, type NewData } from '#data/data-store.ts';
import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { recordLineage, relabelLineage } from '#lineage/lineage.ts';
import type { updateData } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { z } from 'zod';

export async function createDataFrom(
  db: Database,
  tenant: TenantId,
  asked: Omit<NewData, 'parent'> & { readonly parent?: string | undefined },
  now: Date,
): Promise<void> {
  const parent = asked.parent === undefined ? null : await findDataRow(db, tenant, asked.parent);
  try {
    await db.transaction().execute(async (tx) => {
      const number = await insertData(tx, tenant, { ...asked, parent: parent?.id ?? null }, now);
      const origin = parent ? [{ kind: 'data', id: parent.id, label: `#${parent.number} ${parent.name}`, relation: 'derived' } as const] : [];
      await recordLineage(tx, tenant, { to: { kind: 'data', id: asked.id, label: `#${number} ${asked.name}` }, from: origin }, now);
    });
  } catch (error) {
    // The parent was deleted between being found and being referred to.
    throw isForeignKeyViolation(error) ? new SodateError('not-found', { thing: 'data', reference: asked.parent ?? '' }, { cause: error }) : error;
  }
}

/** Works on locked data too: only the files are locked. */
export async function updateDataOf(db: Database, tenant: TenantId, reference: string, change: z.output<(typeof updateData)['body']>): Promise<void> {
  const data = await findDataRow(db, tenant, reference);
  const columns = {
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.memo === undefined ? {} : { memo: change.memo }),
    ...(change.tags === undefined ? {} : { tags: [...new Set(change.tags)] }),
  };
  if (Object.keys(columns).length === 0) return;
  await db.transaction().execute(async (tx) => {
    await tx.updateTable('data').set(columns).where('tenant_id', '=', tenant).where('id', '=', data.id).execute();
    if (change.name !== undefined) await relabelLineage(tx, tenant, { kind: 'data', id: data.id, label: `#${data.number} ${change.name}` });
  });
}
