import { askedEntries, copyEntries, putEntries, resolveEntries } from '#datasets/dataset-entries.ts';
import { holdDataset, insertDataset } from '#datasets/dataset-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import { recordLineage } from '#lineage/lineage.ts';
import type { createDataset } from '@sodate/contract/datasets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import type { DatasetId, TenantId, UserId } from '@sodate/contract/ids.ts';
import type { z } from 'zod';

type NewDataset = z.output<(typeof createDataset)['body']> & { readonly id: DatasetId; readonly createdBy: UserId };

/** Without entries it is an empty typed data set. */
export async function createDatasetFrom(db: Database, tenant: TenantId, asked: NewDataset, now: Date): Promise<void> {
  const entries = askedEntries(asked) ?? { flat: false, references: new Map() };
  const resolved = await resolveEntries(db, tenant, entries);
  await refuseVanishedData(
    db.transaction().execute(async (tx) => {
      const number = await insertDataset(tx, tenant, { ...asked, flat: entries.flat }, now);
      await recordLineage(tx, tenant, { to: { kind: 'dataset', id: asked.id, label: `#${number} ${asked.name}` }, from: [] }, now);
      await putEntries(tx, tenant, asked.id, resolved, now);
    }),
  );
}

const TITLE_LENGTH = 255;

export async function copyDatasetEntries(
  db: Database,
  tenant: TenantId,
  from: DatasetId,
  copy: { readonly id: DatasetId; readonly name: string | undefined; readonly createdBy: UserId },
  now: Date,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // Held, so that the copy has the entries of one moment.
    const original = await holdDataset(tx, tenant, from);
    const name = copy.name ?? copyName(original.name);
    const { memo } = await tx.selectFrom('datasets').select('memo').where('tenant_id', '=', tenant).where('id', '=', from).executeTakeFirstOrThrow();
    const number = await insertDataset(tx, tenant, { id: copy.id, name, memo, flat: original.flat, createdBy: copy.createdBy }, now);
    await recordLineage(tx, tenant, { to: { kind: 'dataset', id: copy.id, label: `#${number} ${name}` }, from: [] }, now);
    await copyEntries(tx, tenant, from, copy.id, now);
  });
}

/** Cut to a title's length, but not through the middle of a character. */
const copyName = (name: string): string => `${name.slice(0, TITLE_LENGTH - ' (copy)'.length).replace(/[\ud800-\udbff]$/, '')} (copy)`;

/** A data that was deleted between being found and being entered; the foreign key says so. */
export async function refuseVanishedData<Result>(storing: Promise<Result>): Promise<Result> {
  try {
    return await storing;
  } catch (error) {
    if (isForeignKeyViolation(error))
      throw new SodateError('not-found', { thing: 'data', reference: 'in the entries that has just been deleted' }, { cause: error });
    throw error;
  }
}
