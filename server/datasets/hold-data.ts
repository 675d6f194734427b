import { countEntries } from '#datasets/dataset-entries.ts';
import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { refuseWhenStoodOn } from '#lineage/lineage.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { type DataId, DatasetId, type TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

type HeldData = { readonly id: DataId; readonly number: number };

/** Begun again when the data enters another data set at the same moment; more often than this is a defect. */
const TRIES = 10;

/** What was to be held changed while it was waited for. */
class HoldAgain extends Error {}

export async function changeHeldData<Result>(
  db: Database,
  tenant: TenantId,
  data: HeldData,
  change: (tx: DatabaseTransaction) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(async (tx) => {
        await holdDatasetsOf(tx, tenant, data);
        return change(tx);
      });
    } catch (error) {
      if (!(error instanceof HoldAgain) || attempt === TRIES) throw error;
    }
  }
}

/** The order of row locks, everywhere: data sets by id, then the data. */
async function holdDatasetsOf(tx: DatabaseTransaction, tenant: TenantId, data: HeldData): Promise<void> {
  const held = await tx
    .selectFrom('datasets')
    .select(['id', 'number', 'locked_at'])
    .where('tenant_id', '=', tenant)
    .where(sql<boolean>`id in (select dataset_id from dataset_entries where data_id = ${data.id})`)
    .orderBy('id')
    .forUpdate()
    .execute();
  // `for update` and not less: entries refer to this row by foreign key, so from here on none can be added or be on its way.
  const row = await tx.selectFrom('data').select('id').where('tenant_id', '=', tenant).where('id', '=', data.id).forUpdate().executeTakeFirst();
  if (!row) throw new SodateError('not-found', { thing: 'data', reference: `#${data.number}` });
  const now = await tx
    .selectFrom('dataset_entries')
    .innerJoin('datasets', 'datasets.id', 'dataset_entries.dataset_id')
    .select(['datasets.id', 'datasets.number', 'datasets.locked_at'])
    .distinct()
    .where('dataset_entries.tenant_id', '=', tenant)
    .where('dataset_entries.data_id', '=', data.id)
    .orderBy('datasets.number')
    .execute();
  if (now.some((dataset) => dataset.locked_at !== null))
    await refuseWhenStoodOn(tx, tenant, { kind: 'data', id: data.id, thing: 'Data', reference: `#${data.number}` }, 'dataset');
  // Between the first statement and the lock on the data it entered another data set, which might be locked any moment.
  // Taking that row now would be out of order and could deadlock.
  if (now.some((dataset) => !held.some(({ id }) => id === dataset.id))) throw new HoldAgain();
}

export async function removeEntriesOf(tx: DatabaseTransaction, tenant: TenantId, data: DataId): Promise<readonly DatasetId[]> {
  const removed = await tx.deleteFrom('dataset_entries').where('tenant_id', '=', tenant).where('data_id', '=', data).returning('dataset_id').execute();
  const datasets = [...new Set(removed.map((row) => DatasetId.parse(row.dataset_id)))];
  if (datasets.length === 0) return [];
  await countEntries(tx, tenant, datasets);
  await sql`delete from lineage_edges where tenant_id = ${tenant} and from_kind = 'data' and from_id = ${data} and to_kind = 'dataset' and relation = 'contains'
    and to_id = any(${datasets as readonly string[]}::text[])`.execute(tx);
  return datasets;
}
