import { archiveDatasetFiles } from '#datasets/archive-dataset.ts';
import { copyDatasetEntries, createDatasetFrom } from '#datasets/create-dataset.ts';
import { findDetails, readDetails } from '#datasets/dataset-details.ts';
import { findDatasetRow, listDatasetPage } from '#datasets/dataset-store.ts';
import { deleteUnusedDataset } from '#datasets/delete-dataset.ts';
import { updateDatasetBy } from '#datasets/update-dataset.ts';
import type { Archives } from '#kit/archives/archives.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { archiveDataset, copyDataset, createDataset, deleteDataset, getDataset, listDatasets, updateDataset } from '@sodate/contract/datasets.ts';
import { DatasetId } from '@sodate/contract/ids.ts';

export interface DatasetRouteParts {
  readonly db: Database;
  readonly changes: Pick<ChangeFeed, 'publish'>;
  readonly clock: Clock;
  readonly store: Pick<ObjectStore, 'read'>;
  readonly archives: Archives;
}

export function bindDatasetRoutes(binder: Binder, { db, changes, clock, store, archives }: DatasetRouteParts): void {
  binder.bind(listDatasets, ({ query, tenant }) => listDatasetPage(db, tenant.id, query, clock.now()));

  binder.bind(
    createDataset,
    async ({ body, tenant, caller, newId }) => {
      const id = DatasetId.parse(newId);
      await createDatasetFrom(db, tenant.id, { ...body, id, createdBy: caller.user }, clock.now());
      changes.publish({ tenant: tenant.id, topic: 'dataset', id, change: 'created' });
      return readDetails(db, tenant.id, id);
    },
    ({ tenant, newId }) => findDetails(db, tenant.id, DatasetId.parse(newId)),
  );

  binder.bind(getDataset, async ({ params, tenant }) => {
    const { id } = await findDatasetRow(db, tenant.id, params.dataset);
    return readDetails(db, tenant.id, id);
  });

  binder.bind(updateDataset, async ({ params, body, tenant }) => {
    const { id } = await findDatasetRow(db, tenant.id, params.dataset);
    await updateDatasetBy(db, tenant.id, id, body, clock.now());
    changes.publish({ tenant: tenant.id, topic: 'dataset', id, change: 'updated' });
    return readDetails(db, tenant.id, id);
  });

  binder.bind(copyDataset, async ({ params, body, tenant, caller, newId }) => {
    const original = await findDatasetRow(db, tenant.id, params.dataset);
    const id = DatasetId.parse(newId);
    await copyDatasetEntries(db, tenant.id, original.id, { id, name: body.name, createdBy: caller.user }, clock.now());
    changes.publish({ tenant: tenant.id, topic: 'dataset', id, change: 'created' });
    return readDetails(db, tenant.id, id);
  });

  binder.bind(archiveDataset, async ({ params, tenant, request, reply }) => {
    const dataset = await findDatasetRow(db, tenant.id, params.dataset);
    await archives.send(tenant.id, request, reply, () => archiveDatasetFiles({ db, store }, tenant.id, dataset));
  });

  binder.bind(deleteDataset, async ({ params, tenant }) => {
    const { id } = await findDatasetRow(db, tenant.id, params.dataset);
    await deleteUnusedDataset(db, tenant.id, id, clock.now());
    changes.publish({ tenant: tenant.id, topic: 'dataset', id, change: 'deleted' });
  });
}
