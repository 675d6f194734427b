import { findDatasetRow, type FoundDataset } from '#datasets/dataset-store.ts';
import { readDetails } from '#datasets/dataset-details.ts';
import { type DatasetFile, streamDatasetFiles } from '#datasets/dataset-files.ts';
import { lockForRun, unlockUnused } from '#datasets/dataset-locks.ts';
import { changeHeldData, removeEntriesOf } from '#datasets/hold-data.ts';
import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { DatasetDetails } from '@sodate/contract/datasets.ts';
import type { DataId, DatasetId, TenantId } from '@sodate/contract/ids.ts';

/**
 * Data sets, for other features. A data set is a list of data, by type or flat. Its entries, and the files of its data,
 * do not change from the moment a run's transaction has locked it until no run is left that used it.
 */

/** @throws SodateError `not-found` */
export const findDataset = (db: Database, tenant: TenantId, reference: string): Promise<FoundDataset> => findDatasetRow(db, tenant, reference);

/**
 * Locks a data set for a run that is being stored in `tx`. Idempotent. Until `tx` ends nobody can unlock it, so the
 * caller must have written its `run_datasets` row by then.
 * @throws SodateError `not-found` when it was deleted meanwhile
 */
export const lockDataset = (tx: DatabaseTransaction, tenant: TenantId, dataset: DatasetId, now: Date): Promise<void> => lockForRun(tx, tenant, dataset, now);

/** To be called in the transaction that removes a run, after its `run_datasets` rows are gone. */
export const unlockDatasetWhenUnused = (tx: DatabaseTransaction, tenant: TenantId, dataset: DatasetId): Promise<void> => unlockUnused(tx, tenant, dataset);

/** @throws SodateError `not-found` */
export const readDatasetDetails = (db: Database, tenant: TenantId, dataset: DatasetId): Promise<DatasetDetails> => readDetails(db, tenant, dataset);

/**
 * Every file of a data set, in batches behind the scenes, so that 100,000 entries cost little memory. Only for a locked
 * one, where nothing changes between two batches.
 */
export const datasetFiles = (db: Database, tenant: TenantId, dataset: DatasetId): AsyncIterable<DatasetFile> => streamDatasetFiles(db, tenant, dataset);

/**
 * Runs `change` in a transaction in which the files of a data may be changed, or the data be deleted: no locked data set
 * contains it, none that contains it can be locked meanwhile, and it can enter no other one. The data's row is locked
 * too. `change` may be run more than once; only the last time counts.
 * @throws SodateError `in-use` naming the locked data sets; `not-found` for the data
 */
export const changeData = <Result>(
  db: Database,
  tenant: TenantId,
  data: { readonly id: DataId; readonly number: number },
  change: (tx: DatabaseTransaction) => Promise<Result>,
): Promise<Result> => changeHeldData(db, tenant, data, change);

/** Takes a data that is being deleted out of the data sets that hold it, within `changeData`. */
export const removeDataFromDatasets = (tx: DatabaseTransaction, tenant: TenantId, data: DataId): Promise<readonly DatasetId[]> =>
  removeEntriesOf(tx, tenant, data);
